// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// What the programs put into the ring: read by agent/src/monitor/source/kernel-event.ts, byte for byte.
#ifndef NSATTEST_EVENT_H
#define NSATTEST_EVENT_H

// Cgroup levels below the root that are reported; a container's cgroup deeper than this is found by its own id only.
#define ANCESTORS 8
// Pid namespaces below the first one that are reported besides the task's own.
#define PID_ANCESTORS 4
#define DIGEST_MAX 64
// Longer paths are reported as unknown: nothing legitimate has them, and the digest decides.
#define PATH_BYTES 1024

enum event_kind {
	EVENT_EXEC = 1,
	EVENT_MAP = 2,
	EVENT_MPROTECT = 3,
	EVENT_ANONYMOUS = 4,
	EVENT_MEASURED = 5,
	EVENT_REWRITE = 6,
};

enum event_flag {
	FLAG_SCRIPT = 4,
	FLAG_PATH_UNKNOWN = 8,
	FLAG_VIOLATION = 16,
	FLAG_CODE_WRITABLE = 32,
	// Of a rewrite: another cgroup executed the file last. For the budget only.
	FLAG_OTHERS_CODE = 64,
};

// Fixed part, 208 bytes, then path_length bytes of path. Little-endian, no padding.
struct event {
	__u32 kind;
	__u32 flags;
	__u64 cgroup;              // of the task itself
	__u64 ancestors[ANCESTORS]; // cgroup ids at levels 1 to 8, 0 where there is none
	__u64 file;                // number of the executed file (code.h), or 0
	__u32 mount_namespace;
	__u32 pid_namespace;
	__u32 pid_ancestors[PID_ANCESTORS]; // at levels 1 to 4, the task's own among them; 0 where there is none
	__u32 process;             // tgid in the initial pid namespace
	__u32 fs_magic;
	__s32 hash_algorithm;      // enum hash_algo; negative: errno, and digest is meaningless
	__u32 path_length;
	__u8 digest[DIGEST_MAX];   // of the file, or the SHA-256 template digest of a measured event
	__u8 path[PATH_BYTES];
};

#define EVENT_FIXED __builtin_offsetof(struct event, path)

#endif
