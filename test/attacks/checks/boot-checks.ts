// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const LOG = "tpm/src/event-log/event-log.ts";
const PROVEN = "verifier/src/boot/proven-boot.ts";
const COMPARE = "verifier/src/boot/compare-boot.ts";
const LINE = "verifier/src/boot/command-line.ts";
const GROUNDS = "verifier/src/verdict/boot-grounds.ts";
const POLICY_SET = "verifier/src/policy/policy-set.ts";
const LOG_TEST = "tpm/src/event-log/event-log.test.ts";

/** What makes the machine that measures the one that should have been booted. */
export const BOOT_CHECKS = {
  "event-log-head": {
    file: LOG,
    excerpt: "if (pcr !== 0 || type !== EventType.NO_ACTION || !data.startsWith(SPEC_ID)) {",
    without: "if (false) {",
    guards: "a boot log is in the form of TPM 2.0",
    tests: [{ file: LOG_TEST, title: "the form of TPM 1.2" }],
  },
  "event-log-digests": {
    file: LOG,
    excerpt:
      "if (count !== columns.length) refuse(`an event with ${count} digests of ${columns.length}`);",
    without: "",
    guards: "each event of a boot log has a digest of each bank",
    tests: [{ file: LOG_TEST, title: "an event without a digest" }],
  },
  "event-log-bank": {
    file: LOG,
    excerpt: "if (column === undefined || seen.has(id)) {",
    without: "if (column === undefined) {",
    guards: "an event of a boot log has one digest of a bank",
    tests: [{ file: LOG_TEST, title: "two digests of a bank" }],
  },
  "event-log-locality": {
    file: LOG,
    excerpt:
      'if (isLate) refuse("the startup locality is said twice or after PCR 0 was extended");',
    without: "",
    guards: "the beginning of PCR 0 is said once, and first",
    tests: [{ file: LOG_TEST, title: "a startup locality after PCR 0" }],
  },
  "boot-log-bank": {
    file: "tpm/src/event-log/replay-event-log.ts",
    excerpt: "if (extended === undefined) {",
    without: "if (extended === undefined) continue;\n      if (false) {",
    guards: "a boot log has digests of the bank that is quoted",
  },
  "boot-log-replay": {
    file: PROVEN,
    excerpt: "if (Buffer.compare(value, quoted.get(index) ?? new Uint8Array()) !== 0) {",
    without: "if (false) {",
    guards: "the boot log is what the PCRs of the boot were extended with",
  },
  "boot-reference-node": {
    file: POLICY_SET,
    excerpt: "return boots.nodes.get(node) ?? boots.others;",
    without: "return boots.others;",
    guards: "a node is held to its own reference",
  },
  "boot-denied": {
    file: POLICY_SET,
    excerpt: "if (denied.has(digest)) problems.push(`${BOOT_POLICY}: ${digest} is denied`);",
    without: "",
    guards: "nothing may be booted that is denied",
    tests: [
      {
        file: "verifier/src/policy/policy-set.test.ts",
        title: "a denied digest in a boot reference",
      },
    ],
  },
  "boot-event-unexpected": {
    file: COMPARE,
    excerpt: "if (found.length > 0) continue;",
    without: "continue;",
    guards: "everything that was measured at boot is in the reference",
  },
  "boot-event-missing": {
    file: COMPARE,
    excerpt: "(slot) => !slot.optional && !seen.has(slot) && !replaced.has(placeOf(slot)),",
    without: "() => false,",
    guards: "everything that the reference wants was measured at boot",
  },
  "boot-log-missing": {
    file: GROUNDS,
    excerpt: "return { contraindicated: [], none: [NO_LOG], limits: UNVERIFIED };",
    without: "return { contraindicated: [], none: [], limits: [] };",
    guards: "a boot that is to be checked and cannot be is not a good one",
  },
  "boot-limits": {
    file: GROUNDS,
    excerpt: "return { contraindicated: [], none: [], limits: UNVERIFIED };",
    without: "return { contraindicated: [], none: [], limits: [] };",
    guards: "a boot that nobody checked is called that",
  },
  "boot-aggregate": {
    file: GROUNDS,
    excerpt: "...(isExplained ? [] : [OTHER_AGGREGATE]),",
    without: "",
    guards: "when IMA began, the PCRs were what the boot log leads to",
  },
  "boot-ima-policy": {
    file: GROUNDS,
    excerpt: 'limits: imaPolicyProven && measuresImaPolicy ? [] : ["IMA_POLICY_UNPROVEN"],',
    without: 'limits: imaPolicyProven ? [] : ["IMA_POLICY_UNPROVEN"],',
    guards: "the kernel was told to measure the policy that it loads",
  },
  "boot-command-line": {
    file: LINE,
    excerpt: 'else if (key.startsWith("ima") && !HARMLESS.test(key)) return false;',
    without: "",
    guards: "no word of the command line changes how IMA measures",
    tests: [{ file: "verifier/src/boot/command-line.test.ts", title: "another template" }],
  },
  "boot-command-line-lsm": {
    file: LINE,
    excerpt: 'if (key === "lsm" && !value.split(",").includes("bpf")) return false;',
    without: "",
    guards: "no word of the command line takes BPF away",
    tests: [
      { file: "verifier/src/boot/command-line.test.ts", title: "security modules without BPF" },
    ],
  },
} as const satisfies Checks;
