// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The way out of the kernel: buffers, who the task is, what was sent before, the ring, and the count of what was lost.
#ifndef NSATTEST_RING_H
#define NSATTEST_RING_H

#include "event.h"

#define SHA256_BYTES 32
#define SCRATCH_SLOTS 64
#define SCRATCH_TRIES 16
#define RING_BYTES (8 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
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

// Whose events could not be delivered: the task's cgroup and its pid namespace at level 1. All zero: of more than fit.
struct owner {
	__u64 cgroup;
	__u32 pid_namespace;
	__u32 others; // 1 in `budgets` for rewrites of what others execute
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct owner);
	__type(value, __u64);
} lost SEC(".maps");

enum stat {
	STAT_LOST = 0, // events lost in all
	STAT_SENT = 1,
	STAT_HOST_ENTRIES = 2, // host-list entries right after attaching: written by the loader
	STAT_FILES = 3, // files that were given a number
	STAT_MARKS = 4, // marks that the monitor has made: it counts them here
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

// The pid namespace that a task has at a level below the host's; 0 where it has none. Level 1 is a container's own, whatever it
// makes below it and whichever cgroup its tasks are put into.
static __always_inline __u32 pid_namespace_at(__u32 level)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	// numbers[] is a flexible array.
	const char *numbers = (const char *)pid + bpf_core_field_offset(struct pid, numbers);
	struct upid *at = (void *)(numbers + (__u64)level * bpf_core_type_size(struct upid));

	return level > BPF_CORE_READ(pid, level) ? 0 : BPF_CORE_READ(at, ns, ns.inum);
}

static __noinline int count_lost(void)
{
	struct owner owner = {.cgroup = bpf_get_current_cgroup_id(), .pid_namespace = pid_namespace_at(1)};
	struct owner nobody = {};
	__u64 zero = 0, one = 1;
	__u64 *counter = bpf_map_lookup_elem(&lost, &owner);

	if (!counter) {
		bpf_map_update_elem(&lost, &owner, &zero, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&lost, &owner);
	}
	if (!counter) {
		bpf_map_update_elem(&lost, &nobody, &zero, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&lost, &nobody);
	}
	if (counter)
		__sync_fetch_and_add(counter, one);
	// Last: whoever sees the total grow finds the owner's own count grown.
	count(STAT_LOST);
	return 0;
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

	e->cgroup = bpf_get_current_cgroup_id();
#pragma unroll
	for (int i = 0; i < ANCESTORS; i++)
		e->ancestors[i] = bpf_get_current_ancestor_cgroup_id(i + 1);
	e->mount_namespace = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	e->pid_namespace = pid_namespace_at(BPF_CORE_READ(task, thread_pid, level));
#pragma unroll
	for (int i = 0; i < PID_ANCESTORS; i++)
		e->pid_ancestors[i] = i && !e->pid_ancestors[i - 1] ? 0 : pid_namespace_at(i + 1);
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

// How much of the ring each container has used since the last mark, so that none can take the place of another's events. What
// exceeds it is lost, and is counted as that container's. Without marks it begins anew when the ring has room and time has passed.
#define BUDGET_BYTES (1 << 20)
// The host, and who shares its pid namespace, is known by its cgroup only.
#define HOST_BUDGET_BYTES (4 << 20)
#define BUDGET_NANOSECONDS 60000000000ULL

struct budget {
	__u64 marks;
	__u64 since;
	__u64 used;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct owner);
	__type(value, struct budget);
} budgets SEC(".maps");

static __always_inline bool is_renewed(struct budget *budget, __u64 marks)
{
	if (budget->marks != marks)
		return true;
	return bpf_ktime_get_ns() - budget->since > BUDGET_NANOSECONDS &&
	       bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < RING_BYTES / 2;
}

// False when the container has nothing left.
static __always_inline bool spend(struct event *e, __u32 bytes)
{
	__u32 pid = e->pid_ancestors[0];
	// What is done to the code of others has a budget of its own: whoever wants it to be lost cannot use that up with its own.
	struct owner owner = {.cgroup = pid ? 0 : e->cgroup, .pid_namespace = pid, .others = !!(e->flags & FLAG_OTHERS_CODE)};
	__u64 limit = pid ? BUDGET_BYTES : HOST_BUDGET_BYTES;
	__u32 which = STAT_MARKS;
	__u64 *marks = bpf_map_lookup_elem(&stats, &which);
	struct budget *budget = bpf_map_lookup_elem(&budgets, &owner);

	if (!marks)
		return false;
	if (budget && budget->used + bytes <= limit) {
		__sync_fetch_and_add(&budget->used, bytes);
		return true;
	}
	if (budget && !is_renewed(budget, *marks))
		return false;
	struct budget renewed = {.marks = *marks, .since = bpf_ktime_get_ns(), .used = bytes};
	bpf_map_update_elem(&budgets, &owner, &renewed, BPF_ANY);
	return true;
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
	if (length > PATH_BYTES || !spend(e, EVENT_FIXED + length) || bpf_ringbuf_output(&events, e, EVENT_FIXED + length, 0)) {
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
