// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Sees every execution and the owner of every IMA list entry, in the kernel, in the task that causes it.
//
// Security hooks run before IMA appends to its list (6.1: security_bprm_check and security_mmap_file call the LSM chain
// first; from 6.9 IMA is the last LSM), and ima_add_template_entry is entered before the entry is visible. So whoever has
// read entry i, and then drained the ring, knows its executions and its owner.
//
// The programs observe only: they never refuse and always return what the programs before them returned.
#include "kernel-types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "event.h"

#define PROT_EXEC 4
#define VM_EXEC 4
#define TPM_ALG_SHA256 0x000b
#define SHA256_BYTES 32
// Banks of the TPM plus IMA's two extra slots, in ima_template_entry.digests.
#define TEMPLATE_DIGESTS 6
#define SCRATCH_SLOTS 64
#define SCRATCH_TRIES 16

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

// What was already sent, so that repeats cost nothing outside the kernel. The path belongs to the key: else "run, rename,
// run again" would hide the second name.
struct seen_key {
	__u64 cgroup;
	__u64 path_hash;
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

// [0] events lost in all, [1] events sent, [2] host-list entries right after attaching (written by the loader).
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
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

static __always_inline void count(__u32 which)
{
	__u64 *counter = bpf_map_lookup_elem(&stats, &which);
	if (counter)
		__sync_fetch_and_add(counter, 1);
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
	count(0);
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
	e->process = BPF_CORE_READ(task, tgid);
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

// Sends `e` unless it was sent before. Counts it as lost when the ring is full.
static __always_inline void send(struct event *e, __u32 length)
{
	struct seen_key key = {
		.cgroup = e->cgroup,
		.path_hash = hash_path(e, length),
		.kind = e->kind,
		.flags = e->flags,
		.namespaces = e->mount_namespace * 31 + e->pid_namespace,
		.hash_algorithm = e->hash_algorithm,
	};
	__u8 one = 1;

	__builtin_memcpy(key.digest, e->digest, SHA256_BYTES);
	e->path_length = length;
	// Each violation is an entry of its own: how many there were decides whose they are.
	if (!(e->flags & FLAG_VIOLATION) && bpf_map_lookup_elem(&seen, &key))
		return;
	if (length > PATH_BYTES || bpf_ringbuf_output(&events, e, EVENT_FIXED + length, 0)) {
		count_lost();
		return;
	}
	count(1);
	if (!(e->flags & FLAG_VIOLATION))
		bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
}

// Reports a file with its digest and path. Sleepable programs only.
static __always_inline void report_file(__u32 kind, struct file *file, __u32 flags)
{
	// Asked first and into the stack: this helper sleeps, and a claimed buffer must not.
	__u8 digest[DIGEST_MAX] = {};
	long algorithm = bpf_ima_file_hash(file, digest, sizeof(digest));
	struct scratch *s = claim_scratch();
	struct event *e;
	__u32 length = 0;
	long got;

	if (!s) {
		count_lost();
		return;
	}
	e = &s->event;
	e->kind = kind;
	e->flags = flags;
	e->hash_algorithm = algorithm;
	if (algorithm < 0)
		__builtin_memset(e->digest, 0, DIGEST_MAX);
	else
		__builtin_memcpy(e->digest, digest, DIGEST_MAX);
	e->fs_magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
	describe_task(e);
	got = bpf_d_path(&file->f_path, (char *)e->path, PATH_BYTES);
	// On failure the buffer holds garbage.
	if (got <= 0 || got > PATH_BYTES)
		e->flags |= FLAG_PATH_UNKNOWN;
	else
		length = got - 1; // without the NUL
	send(e, length);
	release_scratch(s);
}

// Reports what has neither digest nor path: memory without a file, or a mapping changed where nothing may sleep.
static __always_inline void report_memory(__u32 kind, struct file *file)
{
	struct scratch *s = claim_scratch();
	struct event *e;
	__u32 length = 0;

	if (!s) {
		count_lost();
		return;
	}
	e = &s->event;
	e->kind = kind;
	e->flags = FLAG_PATH_UNKNOWN;
	e->hash_algorithm = -1;
	e->fs_magic = 0;
	__builtin_memset(e->digest, 0, DIGEST_MAX);
	describe_task(e);
	if (file) {
		long got = bpf_probe_read_kernel_str(e->path, PATH_BYTES,
						     BPF_CORE_READ(file, f_path.dentry, d_name.name));
		e->fs_magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
		if (got > 0 && got <= PATH_BYTES)
			length = got - 1; // last component only, which is why the path counts as unknown
	}
	send(e, length);
	release_scratch(s);
}

SEC("lsm.s/bprm_check_security")
int BPF_PROG(nsattest_exec, struct linux_binprm *bprm, int ret)
{
	report_file(EVENT_EXEC, bprm->file, bprm->buf[0] == '#' && bprm->buf[1] == '!' ? FLAG_SCRIPT : 0);
	return ret;
}

SEC("lsm.s/mmap_file")
int BPF_PROG(nsattest_map, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags, int ret)
{
	__u64 address = 0;

	if (!(prot & PROT_EXEC))
		return ret;
	// Anonymous memory has no file, but verifiers that take the argument for trusted drop a comparison of it with NULL as
	// never true: so its value is read as a number first.
	bpf_probe_read_kernel(&address, sizeof(address), ctx);
	if (!address || !file)
		report_memory(EVENT_ANONYMOUS, 0);
	else
		report_file(EVENT_MAP, file, 0);
	return ret;
}

// Not sleepable in any kernel, so without digest; IMA sees nothing of it at all.
SEC("lsm/file_mprotect")
int BPF_PROG(nsattest_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	struct file *file;

	if (!(prot & PROT_EXEC) || (BPF_CORE_READ(vma, vm_flags) & VM_EXEC))
		return ret;
	file = BPF_CORE_READ(vma, vm_file);
	report_memory(file ? EVENT_MPROTECT : EVENT_ANONYMOUS, file);
	return ret;
}

// Entered before the entry is looked up or appended (security/integrity/ima/ima_queue.c), in the task that causes it.
SEC("fentry/ima_add_template_entry")
int BPF_PROG(nsattest_owner, struct ima_template_entry *entry, int violation)
{
	struct tpm_digest *digests = BPF_CORE_READ(entry, digests);
	struct scratch *s = claim_scratch();
	struct event *e;

	if (!s) {
		count_lost();
		return 0;
	}
	e = &s->event;
	e->kind = EVENT_MEASURED;
	e->flags = violation ? FLAG_VIOLATION : 0;
	e->hash_algorithm = 4; // HASH_ALGO_SHA256, of the template digest
	e->fs_magic = 0;
	__builtin_memset(e->digest, 0, DIGEST_MAX);
	describe_task(e);
	for (int i = 0; !violation && i < TEMPLATE_DIGESTS; i++) {
		struct tpm_digest *d = (void *)((char *)digests + i * bpf_core_type_size(struct tpm_digest));
		if (BPF_CORE_READ(d, alg_id) == TPM_ALG_SHA256) {
			bpf_probe_read_kernel(e->digest, SHA256_BYTES, (char *)d + bpf_core_field_offset(struct tpm_digest, digest));
			break;
		}
	}
	send(e, 0);
	release_scratch(s);
	return 0;
}
