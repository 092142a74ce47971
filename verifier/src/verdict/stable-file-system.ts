// SPDX-License-Identifier: Apache-2.0

/** Superblock magic numbers (include/uapi/linux/magic.h, and each file system's own sources). */
const STABLE: ReadonlySet<number> = new Set([
  0, // no file
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
  0x2fc12fc1, // zfs
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x958458f6, // hugetlbfs
  0x794c7630, // overlay, whose content is that of the file systems below
  0x73717368, // squashfs
  0xe0f5e1e2, // erofs
  0x9660, // iso9660
  0x4d44, // vfat
]);

/**
 * True for a file system whose files change only through the kernel that measures them. FUSE and network file systems may give other
 * bytes the second time; what is not known here counts as one of those.
 *
 * @param magic superblock magic, 0 where there is no file
 */
export function isStableFileSystem(magic: number): boolean {
  return STABLE.has(magic);
}
