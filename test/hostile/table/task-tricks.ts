// SPDX-License-Identifier: Apache-2.0
import { ESCAPED, reasons, type Trick, unlisted } from "../trick.ts";

/** Tasks that try not to be their container's when they execute: `tricks/tasks.c`. */
export const TASK_TRICKS: readonly Trick[] = [
  {
    id: "own-namespaces",
    idea: "Execute in user, mount, pid, cgroup, IPC, network and UTS namespaces of one's own",
    expected: reasons(unlisted("/bin/in-namespaces")),
  },
  {
    id: "orphan",
    idea: "Fork twice and execute once the parent is gone",
    expected: reasons(unlisted("/bin/orphan")),
    long: true,
  },
  {
    id: "zombie-leader",
    idea: "Execute in a thread whose process has already ended, but for that thread",
    expected: reasons(unlisted("/bin/zombie-leader")),
  },
  {
    id: "lent-memory",
    idea: "Execute in a `vfork` child, which runs in its parent's memory",
    expected: reasons(unlisted("/bin/lent-memory")),
    long: true,
  },
  {
    id: "dying-init",
    idea: "Execute without a pause while the container's first process ends and takes all with it",
    // Of a task that is being killed the kernel gives no digest.
    expected: reasons(unlisted("/bin/dying"), { code: "DIGEST_UNSTABLE" }),
    long: true,
  },
  {
    id: "nested-cgroups",
    idea: "Make cgroups twelve levels below the container's own and execute in the last",
    expected: reasons(unlisted("/bin/nested")),
  },
  {
    id: "borrowed-root",
    idea: "Execute a file in a neighbour's root folder, whose descriptor came over a shared volume",
    expected: reasons(unlisted("/bin/borrowed")),
  },
  {
    id: "other-user",
    idea: "Execute as another user, without any capability",
    expected: reasons(unlisted("/bin/other-user")),
    long: true,
  },
  {
    id: "neighbours-cgroup",
    idea: "Put a child into another container's cgroup (`CLONE_INTO_CGROUP`), where the host's cgroup tree is in sight",
    expected: reasons(ESCAPED),
    shares: ["cgroup"],
    long: true,
  },
  {
    id: "hosts-cgroup",
    idea: "The same with the cgroup of a service of the host",
    expected: reasons(ESCAPED),
    shares: ["cgroup"],
    long: true,
  },
];
