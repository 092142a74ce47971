// SPDX-License-Identifier: Apache-2.0
import { limit, type Trick } from "../trick.ts";

const PRIVILEGED = limit("PRIVILEGED");

/**
 * What a privileged container can do: `tricks/root.c`. Whatever it runs is listed for the host and for the image, else the host would be
 * contraindicated with it, and rightly so: who can act as the host is the host.
 */
export const ROOT_TRICKS: readonly Trick[] = [
  {
    id: "core-pattern",
    idea: "Have the kernel run a program of the host when a process of the container crashes",
    who: "privileged",
    expected: PRIVILEGED,
  },
  {
    id: "modprobe-path",
    idea: "Have the kernel run another program than `modprobe` when it looks for a module",
    who: "privileged",
    expected: PRIVILEGED,
    long: true,
  },
  {
    id: "host-mounts",
    idea: "Enter the host's mount namespace and execute there, as the runtime does",
    who: "privileged",
    expected: PRIVILEGED,
    shares: ["pid"],
    long: true,
  },
  {
    id: "host-cgroup",
    idea: "Leave the container's cgroup for the root of the tree and execute there",
    who: "privileged",
    expected: PRIVILEGED,
    shares: ["cgroup"],
  },
  {
    id: "next-kernel",
    idea: "Load a kernel with `kexec_load`, which IMA does not measure, unlike `kexec_file_load`",
    who: "privileged",
    expected: PRIVILEGED,
    long: true,
  },
  {
    id: "load-module",
    idea: "Load a kernel module from a file of the container's volume",
    who: "privileged",
    expected: PRIVILEGED,
    listed: ["/vol/module.ko"],
  },
  {
    id: "detach-programs",
    idea: "Detach the programs in the kernel by their links, which the kernel refuses",
    who: "privileged",
    expected: PRIVILEGED,
  },
  {
    id: "second-policy",
    idea: "Load another IMA policy",
    who: "privileged",
    expected: PRIVILEGED,
    long: true,
  },
];
