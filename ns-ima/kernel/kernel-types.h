// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The few fields of kernel structures the programs read. CO-RE relocates them against the running kernel's BTF, so one
// object serves every kernel and no generated vmlinux.h is needed.
#ifndef NSATTEST_KERNEL_TYPES_H
#define NSATTEST_KERNEL_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;
typedef _Bool bool;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_INODE_STORAGE = 28,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };
enum { false = 0, true = 1 };

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct super_block {
	unsigned long s_magic;
	unsigned long s_flags;
} KERNEL_TYPE;

typedef struct {
	int counter;
} atomic_t;

struct inode {
	__u16 i_mode;
	struct super_block *i_sb;
	atomic_t i_writecount;
} KERNEL_TYPE;

// What memfd_create and System V shared memory make is this around the inode.
struct shmem_inode_info {
	__u32 seals;
	struct inode vfs_inode;
} KERNEL_TYPE;

struct qstr {
	const unsigned char *name;
} KERNEL_TYPE;

struct dentry {
	struct qstr d_name;
	struct inode *d_inode;
} KERNEL_TYPE;

struct path {
	struct dentry *dentry;
} KERNEL_TYPE;

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
	void *private_data;
} KERNEL_TYPE;

struct linux_binprm {
	struct file *file;
	char buf[256];
} KERNEL_TYPE;

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
} KERNEL_TYPE;

struct ns_common {
	unsigned int inum;
} KERNEL_TYPE;

struct mnt_namespace {
	struct ns_common ns;
} KERNEL_TYPE;

struct pid_namespace {
	struct ns_common ns;
} KERNEL_TYPE;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
} KERNEL_TYPE;

struct upid {
	struct pid_namespace *ns;
} KERNEL_TYPE;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} KERNEL_TYPE;

struct task_struct {
	int tgid;
	struct nsproxy *nsproxy;
	struct pid *thread_pid;
} KERNEL_TYPE;

struct tpm_digest {
	__u16 alg_id;
	__u8 digest[64];
} KERNEL_TYPE;

struct ima_template_entry {
	struct tpm_digest *digests;
} KERNEL_TYPE;

#endif
