// SPDX-License-Identifier: Apache-2.0

import { DEFAULT_LIST_PINS, listPins } from "@nsattest/ns-ima";
import { BOOT_PCRS } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { FakeNode, INIT } from "../../../test/fakes/fake-node.ts";
import { newFakeKey } from "../../../test/fakes/fake-tpm.ts";
import { checkQuote, quotedSelection } from "./check-quote.ts";

const node = new FakeNode();
node.boot();
const CHALLENGE = {
  nonce: new Uint8Array(32).fill(1),
  listOffset: 0,
  logOffset: 0,
  bank: "sha256",
  pcrs: [10, 13],
  bootLog: false,
  deadline: "",
} as const;
const evidence = node.evidence(CHALLENGE);

describe("checkQuote", () => {
  it("gives what the TPM signed", () => {
    const quoted = checkQuote(node.registeredAk, evidence, DEFAULT_LIST_PINS, false);
    expect(quoted.listPcrs).toEqual(new Map([[10, node.tpm.pcr(10)]]));
    expect(quoted.logPcr).toEqual(node.tpm.pcr(13));
    expect(quoted.clock).toEqual({ clock: 1010, resetCount: 1, restartCount: 0, safe: true });
  });

  it("tells the PCRs apart in whatever order they come", () => {
    const pcrs = evidence.pcrs.toReversed();
    const quoted = checkQuote(node.registeredAk, { ...evidence, pcrs }, DEFAULT_LIST_PINS, false);
    expect(quoted.listPcrs).toEqual(new Map([[10, node.tpm.pcr(10)]]));
  });

  it.each([
    ["another key", newFakeKey().akPublic, evidence, "QUOTE_SIGNATURE"],
    ["another nonce", node.registeredAk, { ...evidence, nonce: new Uint8Array(32) }, "QUOTE_NONCE"],
    ["no values", node.registeredAk, { ...evidence, pcrs: [] }, "PCR_VALUES"],
  ])("refuses %s", (_, akPublic, claimed, code) => {
    expect(() => checkQuote(akPublic, claimed, DEFAULT_LIST_PINS, false)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it("gives the PCRs of the boot where a boot is expected, and tells them from those of the list", () => {
    const asked = { ...CHALLENGE, ...quotedSelection(DEFAULT_LIST_PINS, true) };
    const quoted = checkQuote(node.registeredAk, node.evidence(asked), DEFAULT_LIST_PINS, true);
    expect([...quoted.listPcrs.keys()]).toEqual([10]);
    expect(quoted.bootPcrs).toEqual(
      new Map(BOOT_PCRS.map((index) => [index, node.tpm.pcr(index)])),
    );
    expect(() => checkQuote(node.registeredAk, evidence, DEFAULT_LIST_PINS, true)).toThrow(
      expect.objectContaining({ code: "QUOTE_SELECTION" }),
    );
  });

  it("is of the bank and the PCRs that are pinned, and of no others", () => {
    const pins = listPins({
      bank: "sha384",
      pcrs: [11, 10],
      templates: ["ima-sig"],
      paddedSha1: false,
    });
    node.measure(INIT, { pcr: 11 });
    const asked = { ...CHALLENGE, ...quotedSelection(pins, false) };
    const quoted = checkQuote(node.registeredAk, node.evidence(asked), pins, false);
    expect(quoted.listPcrs).toEqual(
      new Map([10, 11].map((index) => [index, node.tpm.pcr(index, "sha384")])),
    );
    expect(quoted.logPcr).toEqual(node.tpm.pcr(13, "sha384"));
    for (const other of [
      { bank: "sha256", pcrs: [10, 11, 13] },
      { bank: "sha384", pcrs: [10, 13] },
      { bank: "sha384", pcrs: [10, 11, 12, 13] },
    ] as const) {
      const evidence = node.evidence({ ...CHALLENGE, ...other });
      expect(() => checkQuote(node.registeredAk, evidence, pins, false)).toThrow(
        expect.objectContaining({ code: "QUOTE_SELECTION" }),
      );
    }
  });
});
