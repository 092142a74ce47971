// SPDX-License-Identifier: Apache-2.0
import { altered, reasons, type Trick, unlisted } from "../trick.ts";

const FOLDER = "d".repeat(200);

/** Names of what is executed: `tricks/names.c`. */
export const NAME_TRICKS: readonly Trick[] = [
  {
    id: "chroot-space",
    idea: "Execute below a chroot a file with a space in its name: event and entry have different paths",
    expected: reasons(unlisted("/bin/host tool")),
    listed: ["/jail/bin/host_tool"],
  },
  {
    id: "long-path",
    idea: "Execute a path of more than 255 bytes, more than old interfaces carry",
    expected: reasons(unlisted(`/${FOLDER}/${FOLDER}/deep`)),
    listed: [`/${FOLDER}/${FOLDER}/deep`],
  },
  {
    id: "longest-path",
    idea: "Execute a path of more than 4,095 bytes, of which IMA lists the last part only",
    expected: reasons(unlisted("")),
    listed: ["deep"],
  },
  {
    id: "detached",
    idea: "Execute from a mount that was lazily unmounted: the path begins nowhere",
    expected: reasons(unlisted("/detached-bin")),
    listed: ["detached-bin"],
  },
  {
    id: "boot-aggregate",
    idea: "Execute a file whose entry has the name of the boot's own entry",
    expected: reasons(unlisted("/boot_aggregate")),
    listed: ["boot_aggregate"],
  },
  {
    id: "renamed",
    idea: "Run, rename, run again: de-duplication by content alone would swallow the second name",
    expected: reasons(unlisted("/bin/renamed")),
    listed: ["/bin/renamed"],
  },
  {
    id: "newline",
    idea: "Execute a file with a line end in its name, which would forge a line of a report",
    expected: reasons(unlisted("/bin/new\\x0aline")),
  },
  {
    id: "escape",
    idea: "Execute a file with terminal commands and quotes in its name, which would hide a line of a report",
    expected: reasons(unlisted('/bin/\\x1b[2K\\x0d"x')),
    long: true,
  },
  {
    id: "no-text",
    idea: "Execute a file whose name is no UTF-8",
    expected: reasons(unlisted("/bin/no-\\xff\\xfe-text")),
  },
  {
    id: "deleted-suffix",
    idea: "Execute a file whose name is a listed one and ` (deleted)`, as the kernel calls what is gone",
    expected: reasons(unlisted("/bin/first (deleted)")),
  },
  {
    id: "host-program",
    idea: "Execute a file at the path of the monitor's own code",
    expected: reasons(unlisted("/usr/lib/nsattest/monitor.cjs")),
    long: true,
  },
  {
    id: "chroot-listed",
    idea: "Execute another content below a chroot, so that its path is a listed one",
    expected: reasons(altered("/bin/first")),
    listed: ["/jail/bin/first"],
  },
  {
    id: "pivot-listed",
    idea: "The same with a root file system of one's own, in a user namespace",
    expected: reasons(altered("/bin/first")),
    long: true,
  },
  {
    id: "bound-listed",
    idea: "Mount another content over a listed file, in a user namespace",
    expected: reasons(altered("/bin/first")),
  },
  {
    id: "linked-listed",
    idea: "Replace a listed file by a hard link to another content",
    expected: reasons(altered("/bin/first")),
    long: true,
  },
  {
    id: "swapped-listed",
    idea: "Give a listed content the path of another listed content",
    expected: reasons(altered("/bin/first")),
    long: true,
  },
];
