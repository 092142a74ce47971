// SPDX-License-Identifier: Apache-2.0
import { altered, changeable, limit, reasons, type Trick, unlisted } from "../trick.ts";

/** Ways to execute a file that are not execve of its name: `tricks/disguises.c`. */
export const DISGUISE_TRICKS: readonly Trick[] = [
  {
    id: "memory-file",
    idea: "Execute a file in memory by its name below `/proc/self/fd`",
    expected: reasons(
      unlisted("/memfd:hidden (deleted)"),
      changeable("/memfd:hidden (deleted)", "writable"),
    ),
    listed: ["memfd:hidden"],
  },
  {
    id: "memory-descriptor",
    idea: "Execute a file in memory by its descriptor alone",
    expected: reasons(
      unlisted("/memfd:unnamed (deleted)"),
      changeable("/memfd:unnamed (deleted)", "writable"),
    ),
    listed: ["memfd:unnamed"],
    long: true,
  },
  {
    id: "by-descriptor",
    idea: "Execute an `O_PATH` descriptor, which cannot even be read",
    expected: reasons(unlisted("/bin/by-descriptor")),
    listed: ["/bin/by-descriptor"],
  },
  {
    id: "deleted",
    idea: "Execute a file that was deleted before",
    expected: reasons(unlisted("/bin/deleted (deleted)")),
  },
  {
    id: "never-named",
    idea: "Execute a file that never had a name (`O_TMPFILE`)",
    expected: reasons({ code: "NOT_IN_ALLOWLIST" }),
    long: true,
  },
  {
    id: "script",
    idea: "Have a listed script do the work, which is its interpreter's",
    expected: limit("INTERPRETER"),
  },
  {
    id: "script-descriptor",
    idea: "Execute a script in memory by its descriptor alone",
    expected: reasons(
      unlisted("/memfd:script (deleted)"),
      changeable("/memfd:script (deleted)", "writable"),
    ),
    listed: ["memfd:script"],
    long: true,
  },
  {
    id: "script-chain",
    idea: "Execute a script whose interpreter is a script",
    expected: reasons(unlisted("/bin/chain-one"), unlisted("/bin/chain-two")),
    listed: ["/bin/chain-one", "/bin/chain-two"],
  },
  {
    id: "own-loader",
    idea: "Give a program to the dynamic loader as an argument: what is executed is the loader",
    expected: reasons(unlisted("/bin/loaded-program")),
    listed: ["/bin/loaded-program"],
  },
  {
    id: "preload",
    idea: "Load a library of one's own into a listed program by `LD_PRELOAD`",
    expected: reasons(unlisted("/lib/preloaded.so")),
    listed: ["/lib/preloaded.so"],
  },
  {
    id: "old-library",
    idea: "Have the kernel map a library by `uselib`, a system call that nothing has used for decades",
    expected: reasons(unlisted("/bin/old-library")),
    listed: ["/bin/old-library"],
  },
  {
    id: "no-program",
    idea: "Execute what is no program: refused only after it was measured",
    expected: reasons(unlisted("/bin/no-program")),
    listed: ["/bin/no-program"],
    long: true,
  },
  {
    id: "name-race",
    idea: "Exchange the content behind a listed name without a pause while it is executed",
    // Which content has which path when it is asked for differs from run to run.
    expected: reasons(altered("/bin/first"), { code: "NOT_IN_ALLOWLIST" }),
    long: true,
  },
  {
    id: "own-format",
    idea: "Register an interpreter for files of one's own in a user namespace (binfmt_misc)",
    expected: reasons(unlisted("/bin/formatted"), unlisted("/bin/format-interpreter")),
    kernels: ["6.12"],
    long: true,
  },
  {
    id: "served",
    idea: "Serve other bytes the second time, from a file system of one's own in a user namespace (FUSE)",
    expected: limit("UNSTABLE_FS"),
    device: [10, 229],
    long: true,
  },
];
