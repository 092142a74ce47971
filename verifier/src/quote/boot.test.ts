// SPDX-License-Identifier: Apache-2.0

import { type BootEvent, HOST } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { type Boot, checkBootEvent, isNewBoot } from "./boot.ts";

const A = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
const B = "1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

function boot(bootId: string, resetCount: number, restartCount = 0, clock = 100): Boot {
  return { bootId, clock: { clock, resetCount, restartCount, safe: true } };
}

function outcome(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

describe("isNewBoot", () => {
  it.each<[string, Boot | null, Boot, boolean | string]>([
    ["nothing is known", null, boot(A, 3), true],
    ["all is as before", boot(A, 3), boot(A, 3), false],
    ["time has passed", boot(A, 3), boot(A, 3, 0, 200), false],
    ["the machine was reset", boot(A, 3, 2), boot(B, 4), true],
    ["resets were missed", boot(A, 3), boot(B, 9), true],
    ["the TPM's clock began anew with a reset", boot(A, 3), boot(B, 4, 0, 1), true],
    ["another kernel runs without a reset", boot(A, 3), boot(B, 3), "ANCHOR_RESTART"],
    ["the reset count went back", boot(A, 3), boot(B, 2), "ANCHOR_RESTART"],
    ["the TPM was reset under the kernel", boot(A, 3), boot(A, 4), "ANCHOR_RESTART"],
    ["the machine slept", boot(A, 3), boot(A, 3, 1), "ANCHOR_RESTART"],
    ["the clock went back", boot(A, 3), boot(A, 3, 0, 99), "QUOTE_CLOCK"],
  ])("when %s", (_, known, seen, expected) => {
    expect(outcome(() => isNewBoot(known, seen))).toBe(expected);
  });
});

describe("checkBootEvent", () => {
  const event: BootEvent = {
    kind: "boot",
    ns: HOST,
    tag: new Uint8Array(32),
    bootId: A,
    kernel: "6.1.0",
    resetCount: 3,
    restartCount: 1,
    baseline: new Uint8Array(32),
    hostEntries: 1,
    programs: [],
    version: "0.1.0",
  };

  it.each<[string, BootEvent | null, Boot, string | undefined]>([
    ["is of the quoted boot", event, boot(A, 3, 1), undefined],
    ["is missing", null, boot(A, 3, 1), "EVIDENCE_OTHER_BOOT"],
    ["has another boot id", event, boot(B, 3, 1), "EVIDENCE_OTHER_BOOT"],
    ["has another reset count", event, boot(A, 4, 1), "EVIDENCE_OTHER_BOOT"],
    ["has another restart count", event, boot(A, 3, 2), "ANCHOR_RESTART"],
  ])("when the event %s", (_, log, quoted, expected) => {
    expect(outcome(() => checkBootEvent(log, quoted))).toBe(expected);
  });
});
