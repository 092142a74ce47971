// SPDX-License-Identifier: Apache-2.0
import {
  changeable,
  type Expectation,
  limit,
  reasons,
  type Trick,
  unlisted,
  unstable,
  VIOLATION,
} from "../trick.ts";

/** IMA notices that it was opened for writing while it was mapped, also on overlay. */
const REWRITTEN = reasons(changeable("/bin/first", "rewritten"), VIOLATION);
const TRACED: Expectation = {
  kind: "unseen",
  because: "a write into a process's memory is neither an open nor a mapping of a file",
};

/** Code that gets into memory, or changes there, without being executed as a file: `tricks/mappings.c`. */
export const MAPPING_TRICKS: readonly Trick[] = [
  {
    id: "protect",
    idea: "Map a file readable, then make the mapping executable: IMA has no entry",
    expected: reasons(unstable("protected", "no-digest")),
  },
  {
    id: "protect-with-key",
    idea: "The same with `pkey_mprotect`",
    expected: reasons(unstable("protected", "no-digest")),
    long: true,
  },
  {
    id: "read-implies-exec",
    idea: "Map a file readable with the personality that makes all of it executable",
    expected: reasons(unlisted("/bin/implied")),
    listed: ["/bin/implied"],
  },
  {
    id: "unlinked-library",
    idea: "Map a deleted file executable by its name below `/proc/self/fd`, as `dlopen` would",
    expected: reasons(unlisted("/bin/unlinked (deleted)")),
    long: true,
  },
  {
    id: "anonymous",
    idea: "Write code into memory without a file and run it",
    expected: limit("ANONYMOUS_EXEC"),
  },
  {
    id: "write-after-map",
    idea: "Map a file executable, then open it for writing and change it, on overlay",
    expected: REWRITTEN,
  },
  {
    id: "shared-store",
    idea: "Map a file shared and writable, close it, execute it, store into the mapping",
    expected: reasons(changeable("/bin/first", "writable")),
    long: true,
  },
  {
    id: "ring-write",
    idea: "Change mapped code through a descriptor that io_uring has opened",
    expected: REWRITTEN,
    long: true,
  },
  {
    id: "pages-of-pipe",
    idea: "Change mapped code by `splice` from a pipe",
    expected: REWRITTEN,
    long: true,
  },
  {
    id: "truncated",
    idea: "Change mapped code by `truncate`, without opening the file",
    expected: reasons(changeable("first", "rewritten")),
    long: true,
  },
  {
    id: "poke",
    idea: "Change the code of a child with `ptrace`",
    expected: TRACED,
    long: true,
  },
  {
    id: "process-memory",
    idea: "Change the code of a child through `/proc/<pid>/mem`",
    expected: TRACED,
    long: true,
  },
];
