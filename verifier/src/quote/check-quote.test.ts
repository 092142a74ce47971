// SPDX-License-Identifier: Apache-2.0

import { DEFAULT_LIST_PINS } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { FakeNode } from "../../../test/fakes/fake-node.ts";
import { newFakeKey } from "../../../test/fakes/fake-tpm.ts";
import { checkQuote } from "./check-quote.ts";

const node = new FakeNode();
node.boot();
const evidence = node.evidence({
  nonce: new Uint8Array(32).fill(1),
  listOffset: 0,
  logOffset: 0,
  bank: "sha256",
  pcrs: [10, 13],
  deadline: "",
});

describe("checkQuote", () => {
  it("gives what the TPM signed", () => {
    const quoted = checkQuote(node.registeredAk, evidence, DEFAULT_LIST_PINS);
    expect(quoted.listPcrs).toEqual(new Map([[10, node.tpm.pcr(10)]]));
    expect(quoted.logPcr).toEqual(node.tpm.pcr(13));
    expect(quoted.clock).toEqual({ clock: 1010, resetCount: 1, restartCount: 0, safe: true });
  });

  it("tells the PCRs apart in whatever order they come", () => {
    const pcrs = evidence.pcrs.toReversed();
    const quoted = checkQuote(node.registeredAk, { ...evidence, pcrs }, DEFAULT_LIST_PINS);
    expect(quoted.listPcrs).toEqual(new Map([[10, node.tpm.pcr(10)]]));
  });

  it.each([
    ["another key", newFakeKey().akPublic, evidence, "QUOTE_SIGNATURE"],
    ["another nonce", node.registeredAk, { ...evidence, nonce: new Uint8Array(32) }, "QUOTE_NONCE"],
    ["no values", node.registeredAk, { ...evidence, pcrs: [] }, "PCR_VALUES"],
  ])("refuses %s", (_, akPublic, claimed, code) => {
    expect(() => checkQuote(akPublic, claimed, DEFAULT_LIST_PINS)).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
