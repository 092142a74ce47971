// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { writeCpio } from "./cpio.ts";
import type { LabKernel } from "./kernel.ts";
import { readModules } from "./kernel-modules.ts";

/** Everything the machine and the scenarios need that Debian's cloud kernels do not have built in. */
const MODULES = [
  "virtio_pci",
  "virtio_blk",
  "virtio_net",
  "virtio_console",
  "virtio_rng",
  "ext4",
  "overlay",
  "fuse",
  "binfmt_misc",
];

const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;
const REGULAR = 0o100644;

/**
 * Builds the first file system: busybox and modules, which find the disk and hand over to its `/sbin/init`.
 *
 * Nothing in here is measured: IMA's built-in policies leave out the initial file system. The disk is.
 *
 * @throws LabError `LAB_FILE` when the kernel lacks a module
 */
export async function buildInitramfs(kernel: LabKernel, busybox: string): Promise<Buffer> {
  const modules = await readModules(kernel, MODULES);
  const loads = modules.map((module) => `insmod /modules/${module.name}.ko`);
  const init = [
    "#!/bin/busybox sh",
    "busybox mount -t devtmpfs devtmpfs /dev",
    ...loads.map((line) => `busybox ${line}`),
    "until [ -b /dev/vda ]; do busybox usleep 20000; done",
    // Without /proc busybox cannot guess the type.
    "busybox mount -t ext4 /dev/vda /root",
    "busybox umount /dev",
    "exec busybox switch_root /root /sbin/init",
    "",
  ].join("\n");
  const folders = ["bin", "dev", "modules", "root"];
  return writeCpio([
    ...folders.map((path) => ({ path, mode: DIRECTORY, bytes: Buffer.alloc(0) })),
    { path: "bin/busybox", mode: EXECUTABLE, bytes: await readFile(busybox) },
    ...modules.map(({ name, bytes }) => ({ path: `modules/${name}.ko`, mode: REGULAR, bytes })),
    { path: "init", mode: EXECUTABLE, bytes: Buffer.from(init) },
  ]);
}
