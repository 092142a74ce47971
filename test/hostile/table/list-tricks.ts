// SPDX-License-Identifier: Apache-2.0
import { altered, changeable, reasons, type Trick, unstable, VIOLATION } from "../trick.ts";

/** Entries of the host's list that do not fit what was executed, or that look like somebody else's: `tricks/list.c`. */
export const LIST_TRICKS: readonly Trick[] = [
  {
    id: "direct",
    idea: "Map a file executable through an `O_DIRECT` descriptor, of which the kernel gives no digest",
    expected: reasons(unstable("/bin/direct", "no-digest"), unstable("/bin/direct", "zero-digest")),
    listed: ["/bin/direct"],
  },
  {
    id: "shared-memory",
    idea: "Attach System V shared memory executable: a file without content",
    expected: reasons(
      changeable("/SYSV00000000 (deleted)", "writable"),
      unstable("/SYSV00000000 (deleted)", "no-digest"),
      unstable("SYSV00000000", "zero-digest"),
    ),
    listed: ["SYSV00000000"],
  },
  {
    id: "held-writer",
    idea: "Map a file executable while it is open for writing",
    expected: reasons(VIOLATION, changeable("/vol/held", "writable")),
    listed: ["/vol/held"],
  },
  {
    id: "write-mapped",
    idea: "Open a file for writing that is mapped executable",
    expected: reasons(VIOLATION, changeable("/vol/mapped", "rewritten")),
    listed: ["/vol/mapped"],
  },
  {
    id: "second-map",
    idea: "Map a file, change it through a descriptor that was open before, map it again: the cached digest is the old one",
    expected: reasons(
      VIOLATION,
      changeable("/bin/second", "writable"),
      unstable("/bin/second", "no-execution"),
    ),
    listed: ["/bin/second"],
  },
  {
    id: "upper-write",
    idea: "Mount an overlay in a user namespace of one's own, execute a file of it, change the file below, execute it again",
    expected: reasons(altered("/mnt/layered")),
    listed: ["/mnt/layered"],
  },
  {
    id: "code-owner",
    idea: "Give a file the path and the owner of the monitor's code, and read it: the policy measures that",
    expected: reasons(unstable("/usr/lib/nsattest/monitor.cjs", "no-execution")),
    listed: ["/usr/lib/nsattest/monitor.cjs"],
  },
  {
    id: "own-key",
    idea: "Add a certificate to a keyring of one's own: a rule for all keyrings would put it into the list, under any name",
    expected: {
      kind: "nothing",
      because: "the node's IMA policy measures the kernel's own keyrings only",
    },
  },
  {
    id: "claimed-digest",
    idea: "Write a digest of one's own where IMA keeps what it appraises (`security.ima`)",
    expected: { kind: "nothing", because: "only CAP_SYS_ADMIN may, and nothing is believed of it" },
    long: true,
  },
  {
    id: "foreign-library",
    idea: "Open a file of a shared volume for writing that a neighbour has mapped as its library",
    expected: reasons(VIOLATION),
    listed: ["/vol/library"],
    long: true,
  },
];
