// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Code that changes while it runs. Of each file that was executed or mapped executable the inode is marked, for as long as the kernel
// keeps it, which is at least as long as anything of it runs. Who opens a marked file for writing rewrites code.
//
// Whoever writes is counted in i_writecount before file_open is asked; whoever executes marks before it looks at that count.
// So one of the two always sees the other. And whoever executes looks at last whether the file was opened for writing since it
// marked it: a rewrite whose event came before that of the execution would be nobody's.
#ifndef NSATTEST_CODE_H
#define NSATTEST_CODE_H

#include "kernel-types.h"

#define S_IFMT 0170000
#define S_IFREG 0100000
#define FMODE_WRITE 2
#define O_TRUNC 01000
// A file system that no user space mounts: memfd and System V shared memory.
#define SB_NOUSER (1UL << 31)
#define OVERLAYFS_MAGIC 0x794c7630
#define TMPFS_MAGIC 0x01021994
#define F_SEAL_WRITE 8

struct mark {
	__u64 file;     // a number that no other inode gets; 0 while it is being given
	__u64 cgroup;   // that executed it last
	__u64 runs;     // times that was another than before: what of it was rewritten is told again to whom it was not
	__u64 rewrites; // times it was opened for writing
};

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mark);
} marks SEC(".maps");

static __always_inline bool is_regular(struct inode *inode)
{
	return (inode->i_mode & S_IFMT) == S_IFREG;
}

// Marks a file that is about to run; null for what is no regular file, or, which is a loss, when memory is short.
static __always_inline struct mark *mark_code(struct inode *inode)
{
	__u64 cgroup = bpf_get_current_cgroup_id();
	struct mark *mark;

	if (!is_regular(inode))
		return 0;
	mark = bpf_inode_storage_get(&marks, inode, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!mark) {
		count_lost();
		return 0;
	}
	if (!mark->file)
		__sync_val_compare_and_swap(&mark->file, 0, count(STAT_FILES) + 1);
	if (mark->cgroup != cgroup) {
		mark->cgroup = cgroup;
		__sync_fetch_and_add(&mark->runs, 1);
	}
	return mark;
}

// The file that holds the pages. Overlay keeps it in private_data; everywhere else it is the file itself.
static __always_inline struct file *file_below(struct file *file)
{
	if (file->f_inode->i_sb->s_magic != OVERLAYFS_MAGIC)
		return file;
	return (struct file *)BPF_CORE_READ(file, private_data);
}

// Memory that its maker can write to through a descriptor that was never opened, unless it is sealed.
static __always_inline bool is_unsealed_memory(struct inode *inode)
{
	__u32 seals = 0;

	if (!(inode->i_sb->s_flags & SB_NOUSER) || inode->i_sb->s_magic != TMPFS_MAGIC)
		return false;
	bpf_probe_read_kernel(&seals, sizeof(seals), (char *)inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode) +
							 bpf_core_field_offset(struct shmem_inode_info, seals));
	return !(seals & F_SEAL_WRITE);
}

// True when somebody holds the file open, or mapped shared, for writing.
static __always_inline bool is_writable(struct file *file)
{
	if (!is_regular(file->f_inode))
		return false;
	return file->f_inode->i_writecount.counter > 0 || BPF_CORE_READ(file_below(file), f_inode, i_writecount.counter) > 0 ||
	       is_unsealed_memory(file->f_inode);
}

static __always_inline __u32 others_code(struct mark *mark)
{
	return mark->cgroup == bpf_get_current_cgroup_id() ? 0 : FLAG_OTHERS_CODE;
}

static __always_inline bool opens_for_writing(struct file *file)
{
	return (file->f_mode & FMODE_WRITE) || (file->f_flags & O_TRUNC);
}

#endif
