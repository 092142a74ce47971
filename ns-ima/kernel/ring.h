// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The way out of the kernel: buffers, who the task is, what was sent before, the ring, and the count of what was lost.
#ifndef NSATTEST_RING_H
#define NSATTEST_RING_H

#include "event.h"

#define SHA256_BYTES 32
#define SCRATCH_SLOTS 64
#define SCRATCH_TRIES 16

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

// What was already sent, so that repeats cost nothing outside the kernel. The path belongs to the key: else "run, rename,
// run again" would hide the second name.
struct seen_key {
	__u64 cgroup;
	__u64 path_hash;
	__u64 file;
	__u32 kind;
	__u32 flags;
	__u32 namespaces;
	__s32 hash_algorithm;
	__u8 digest[SHA256_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct seen_key);
	__type(value, __u8);
} seen SEC(".maps");

// Events that could not be delivered, by the cgroup they belong to. Key 0: more cgroups lost events than fit.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} lost SEC(".maps");

enum stat {
	STAT_LOST = 0, // events lost in all
	STAT_SENT = 1,
	STAT_HOST_ENTRIES = 2, // host-list entries right after attaching: written by the loader
	STAT_FILES = 3, // files that were given a number
	STATS,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STATS);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

// An event is too large for the BPF stack. A per-CPU buffer would be overwritten by a task that preempts this one, so
// buffers are claimed: never across anything that sleeps.
struct scratch {
	__u32 taken;
	__u32 reserved;
	struct event event;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

// Adds one. Returns what was counted before.
static __always_inline __u64 count(__u32 which)
{
	__u64 *counter = bpf_map_lookup_elem(&stats, &which);
	return counter ? __sync_fetch_and_add(counter, 1) : 0;
}

static __always_inline void count_lost(void)
{
	__u64 cgroup = bpf_get_current_cgroup_id();
	__u64 zero = 0, one = 1;
	__u64 *counter = bpf_map_lookup_elem(&lost, &cgroup);

	if (!counter) {
		bpf_map_update_elem(&lost, &cgroup, &zero, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&lost, &cgroup);
	}
	if (!counter) {
		bpf_map_update_elem(&lost, &zero, &zero, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&lost, &zero);
	}
	if (counter)
		__sync_fetch_and_add(counter, one);
	// Last: whoever sees the total grow finds the cgroup's own count grown.
	count(STAT_LOST);
}

static __always_inline struct scratch *claim_scratch(void)
{
	__u32 first = bpf_get_smp_processor_id();

	for (__u32 i = 0; i < SCRATCH_TRIES; i++) {
		__u32 slot = (first + i) % SCRATCH_SLOTS;
		struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
		if (s && __sync_val_compare_and_swap(&s->taken, 0, 1) == 0)
			return s;
	}
	return 0;
}

static __always_inline void release_scratch(struct scratch *s)
{
	__sync_lock_test_and_set(&s->taken, 0);
}

static __always_inline void describe_task(struct event *e)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	// numbers[] is a flexible array: its last used element names the namespace the task lives in.
	const char *numbers = (const char *)pid + bpf_core_field_offset(struct pid, numbers);
	struct upid *innermost = (void *)(numbers + (__u64)level * bpf_core_type_size(struct upid));

	e->cgroup = bpf_get_current_cgroup_id();
#pragma unroll
	for (int i = 0; i < ANCESTORS; i++)
		e->ancestors[i] = bpf_get_current_ancestor_cgroup_id(i + 1);
	e->mount_namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	e->pid_namespace = BPF_CORE_READ(innermost, ns, ns.inum);
	for (__u32 i = 0; i < PID_ANCESTORS; i++) {
		struct upid *above = (void *)(numbers + (i + 1ULL) * bpf_core_type_size(struct upid));

		e->pid_ancestors[i] = i < level ? BPF_CORE_READ(above, ns, ns.inum) : 0;
	}
	e->process = BPF_CORE_READ(task, tgid);
}

// An event of the current task, without file, path and digest; null, and counted as lost, when there is no buffer.
static __noinline struct scratch *begin_event(__u32 kind, __u32 flags)
{
	struct scratch *s = claim_scratch();

	if (!s) {
		count_lost();
		return 0;
	}
	s->event.kind = kind;
	s->event.flags = flags;
	s->event.file = 0;
	s->event.fs_magic = 0;
	s->event.hash_algorithm = -1;
	__builtin_memset(s->event.digest, 0, DIGEST_MAX);
	describe_task(&s->event);
	return s;
}

static __always_inline __u64 hash_path(const struct event *e, __u32 length)
{
	__u64 hash = 14695981039346656037ULL; // FNV-1a

	for (__u32 i = 0; i < PATH_BYTES; i++) {
		if (i >= length)
			break;
		hash = (hash ^ e->path[i]) * 1099511628211ULL;
	}
	return hash;
}

// Sends the event unless it was sent before in this `round`, and gives its buffer back. Counts it as lost when the ring is full.
static __noinline int finish_event(struct scratch *s, __u32 length, __u64 round)
{
	struct event *e = &s->event;
	struct seen_key key = {
		.cgroup = e->cgroup,
		.path_hash = hash_path(e, length) + round,
		.file = e->file,
		.kind = e->kind,
		.flags = e->flags,
		.namespaces = e->mount_namespace * 31 + e->pid_namespace,
		.hash_algorithm = e->hash_algorithm,
	};
	// Each violation is an entry of its own: how many there were decides whose they are.
	bool repeats = !(e->flags & FLAG_VIOLATION);
	__u8 one = 1;

	__builtin_memcpy(key.digest, e->digest, SHA256_BYTES);
	e->path_length = length;
	if (repeats && bpf_map_lookup_elem(&seen, &key))
		goto done;
	if (length > PATH_BYTES || bpf_ringbuf_output(&events, e, EVENT_FIXED + length, 0)) {
		count_lost();
		goto done;
	}
	count(STAT_SENT);
	if (repeats)
		bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
done:
	release_scratch(s);
	return 0;
}

#endif
