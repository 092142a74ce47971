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
#include "ring.h"
#include "code.h"

#define PROT_EXEC 4
#define VM_EXEC 4
#define TPM_ALG_SHA256 0x000b
#define HASH_ALGO_SHA256 4
// Banks of the TPM plus IMA's two extra slots, in ima_template_entry.digests.
#define TEMPLATE_DIGESTS 6

char LICENSE[] SEC("license") = "Dual BSD/GPL";

// Ends an event with the path of a file, where the hook allows to ask for one.
static __always_inline void finish_with_path(struct scratch *s, struct file *file, __u64 round)
{
	long got = bpf_d_path(&file->f_path, (char *)s->event.path, PATH_BYTES);
	__u32 length = 0;

	// On failure the buffer holds garbage.
	if (got <= 0 || got > PATH_BYTES)
		s->event.flags |= FLAG_PATH_UNKNOWN;
	else
		length = got - 1; // without the NUL
	s->event.fs_magic = file->f_inode->i_sb->s_magic;
	finish_event(s, length, round);
}

// Ends an event with the last component of a path, which is why the path counts as unknown.
static __always_inline void finish_with_name(struct scratch *s, struct dentry *dentry, __u64 round)
{
	long got = bpf_probe_read_kernel_str(s->event.path, PATH_BYTES, BPF_CORE_READ(dentry, d_name.name));

	s->event.fs_magic = BPF_CORE_READ(dentry, d_inode, i_sb, s_magic);
	finish_event(s, got > 0 && got <= PATH_BYTES ? got - 1 : 0, round);
}

// Reports that a marked file is opened for writing, or was.
static __always_inline void report_rewrite(struct file *file, struct mark *mark)
{
	struct scratch *s = begin_event(EVENT_REWRITE, others_code(mark));

	if (!s)
		return;
	s->event.file = mark->file;
	finish_with_path(s, file, mark->runs);
}

// Reports a file that is about to run, with its digest and path. Sleepable programs only.
static __always_inline void report_code(__u32 kind, struct file *file, __u32 flags)
{
	struct mark *mark = mark_code(file->f_inode);
	__u64 rewrites = mark ? mark->rewrites : 0;
	// Asked before a buffer is claimed and into the stack: this helper sleeps.
	__u8 digest[DIGEST_MAX] = {};
	long algorithm = bpf_ima_file_hash(file, digest, sizeof(digest));
	struct scratch *s = begin_event(kind, flags | (is_writable(file) ? FLAG_CODE_WRITABLE : 0));

	if (!s)
		return;
	s->event.file = mark ? mark->file : 0;
	s->event.hash_algorithm = algorithm;
	if (algorithm >= 0)
		__builtin_memcpy(s->event.digest, digest, DIGEST_MAX);
	finish_with_path(s, file, 0);
	if (mark && mark->rewrites != rewrites)
		report_rewrite(file, mark);
}

// Reports that memory without a file becomes executable.
static __always_inline void report_memory(void)
{
	struct scratch *s = begin_event(EVENT_ANONYMOUS, FLAG_PATH_UNKNOWN);

	if (s)
		finish_event(s, 0, 0);
}

SEC("lsm.s/bprm_check_security")
int BPF_PROG(nsattest_exec, struct linux_binprm *bprm, int ret)
{
	report_code(EVENT_EXEC, bprm->file, bprm->buf[0] == '#' && bprm->buf[1] == '!' ? FLAG_SCRIPT : 0);
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
		report_memory();
	else
		report_code(EVENT_MAP, file, 0);
	return ret;
}

// Not sleepable in any kernel, so without digest; IMA sees nothing of it at all.
SEC("lsm/file_mprotect")
int BPF_PROG(nsattest_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	struct file *file;
	struct scratch *s;

	if (!(prot & PROT_EXEC) || (BPF_CORE_READ(vma, vm_flags) & VM_EXEC))
		return ret;
	file = BPF_CORE_READ(vma, vm_file);
	if (!file)
		report_memory();
	else if ((s = begin_event(EVENT_MPROTECT, FLAG_PATH_UNKNOWN)))
		finish_with_name(s, BPF_CORE_READ(file, f_path.dentry), 0);
	return ret;
}

// Asked of each file of an open: of one on overlay, of the file below, too.
SEC("lsm/file_open")
int BPF_PROG(nsattest_open, struct file *file, int ret)
{
	struct mark *mark;

	if (!opens_for_writing(file))
		return ret;
	mark = bpf_inode_storage_get(&marks, file->f_inode, 0, 0);
	if (!mark)
		return ret;
	__sync_fetch_and_add(&mark->rewrites, 1);
	report_rewrite(file, mark);
	return ret;
}

// truncate(2) changes a file without opening it.
SEC("lsm/path_truncate")
int BPF_PROG(nsattest_truncate, struct path *path, int ret)
{
	struct mark *mark = bpf_inode_storage_get(&marks, path->dentry->d_inode, 0, 0);
	struct scratch *s;

	if (!mark)
		return ret;
	__sync_fetch_and_add(&mark->rewrites, 1);
	s = begin_event(EVENT_REWRITE, FLAG_PATH_UNKNOWN | others_code(mark));
	if (!s)
		return ret;
	s->event.file = mark->file;
	finish_with_name(s, path->dentry, mark->runs);
	return ret;
}

// Entered before the entry is looked up or appended (security/integrity/ima/ima_queue.c), in the task that causes it.
SEC("fentry/ima_add_template_entry")
int BPF_PROG(nsattest_owner, struct ima_template_entry *entry, int violation)
{
	struct tpm_digest *digests = BPF_CORE_READ(entry, digests);
	struct scratch *s = begin_event(EVENT_MEASURED, violation ? FLAG_VIOLATION : 0);

	if (!s)
		return 0;
	s->event.hash_algorithm = HASH_ALGO_SHA256; // of the template digest
	for (int i = 0; !violation && i < TEMPLATE_DIGESTS; i++) {
		struct tpm_digest *d = (void *)((char *)digests + i * bpf_core_type_size(struct tpm_digest));
		if (BPF_CORE_READ(d, alg_id) == TPM_ALG_SHA256) {
			bpf_probe_read_kernel(s->event.digest, SHA256_BYTES, (char *)d + bpf_core_field_offset(struct tpm_digest, digest));
			break;
		}
	}
	finish_event(s, 0, 0);
	return 0;
}
