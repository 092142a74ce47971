// SPDX-License-Identifier: Apache-2.0

import type { Checks } from "./check.ts";

const HISTORY = "verifier/src/offline/check-history.ts";
const VERIFY = "verifier/src/offline/verify-history.ts";
const VERIFY_TEST = "cli/src/verify-hostile.test.ts";

/** What makes a stored history one that proves its verdicts without a verifier. Its forgeries are tests of the command. */
export const BUNDLE_CHECKS = {
  "bundle-boot": {
    file: HISTORY,
    excerpt: "if (last && appraisal.beginsAnew) {",
    without: "if (false) {",
    guards: "a stored history is of one boot",
    tests: [{ file: VERIFY_TEST, title: "when a round is of another boot" }],
  },
  "bundle-differences": {
    file: HISTORY,
    excerpt: ".filter(([, was, is]) => !isDeepStrictEqual(was, is))",
    without: ".filter(() => false)",
    guards: "a stored verdict is the one that its evidence proves",
    tests: [{ file: VERIFY_TEST, title: "when a verdict in it is another" }],
  },
  "bundle-empty": {
    file: HISTORY,
    excerpt: "if (checked.length > 0) return { rounds: checked, refusal: null };",
    without: "return { rounds: checked, refusal: null };",
    guards: "a history without evidence proves nothing",
    tests: [{ file: VERIFY_TEST, title: "when it has no round" }],
  },
  "bundle-policy": {
    file: VERIFY,
    excerpt:
      'if (documents === null || hash("sha256", documents) !== version || !isTexts(documents)) {',
    without: "if (documents === null) {",
    guards: "the policies of a history are those that its rounds name",
    tests: [{ file: VERIFY_TEST, title: "whether its version fits or not" }],
  },
  "bundle-key": {
    file: VERIFY,
    excerpt: "if (pins.aks?.includes(digest) === false) {",
    without: "if (false) {",
    guards: "a history is of the key that was asked for",
    tests: [{ file: VERIFY_TEST, title: "when it is of another key" }],
  },
} as const satisfies Checks;
