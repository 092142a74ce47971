// SPDX-License-Identifier: Apache-2.0
import { altered, changeable, reasons, type Trick, VIOLATION } from "../trick.ts";

/**
 * More of the same than a node can digest at once: also in `tricks/list.c`. They are played last, for on a slow machine the monitor may be
 * so busy afterwards that it answers the hook of the next container too late, which then does not start.
 */
export const FLOOD_TRICKS: readonly Trick[] = [
  {
    id: "violations",
    idea: "Cause violations without a pause: on 6.1 an entry and an extend of the TPM each",
    expected: reasons(VIOLATION, changeable("/vol/violated", "rewritten")),
    listed: ["/vol/violated"],
  },
  {
    id: "new-files",
    idea: "Execute ever new contents without a pause: an entry and an extend of the TPM each",
    expected: reasons(altered("/bin/new-file"), { code: "CODE_WRITABLE" }),
    listed: ["/bin/new-file"],
    long: true,
  },
  {
    id: "memory-names",
    idea: "Make ever new names of memory executable, which costs only events",
    expected: reasons({ code: "DIGEST_UNSTABLE" }),
    long: true,
  },
];
