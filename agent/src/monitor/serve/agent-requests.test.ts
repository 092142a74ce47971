// SPDX-License-Identifier: Apache-2.0

import {
  decodeEvidence,
  decodeMonitorAnswer,
  encodeMonitorRequest,
  FrameSplitter,
  MONITOR_ANSWER_MAX,
  type MonitorAnswer,
  type MonitorOp,
  type MonitorRequest,
} from "@nsattest/protocol";
import { TpmError } from "@nsattest/tpm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentError } from "../../error.ts";
import type { TpmIdentity } from "../anchor/tpm-port.ts";
import type { EvidenceParts, Wanted } from "../monitor.ts";
import { answerAgent } from "./agent-requests.ts";

const BOOT_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const IDENTITY: TpmIdentity = {
  ekPublic: Uint8Array.of(1),
  ekCertificate: null,
  ekChain: new Uint8Array(0),
  akPublic: Uint8Array.of(2),
};
const NONCE = new Uint8Array(32).fill(5);
const PARTS: EvidenceParts = {
  attest: Uint8Array.of(1),
  signature: Uint8Array.of(2),
  pcrs: [{ bank: "sha256", index: 13, value: new Uint8Array(32).fill(6) }],
  list: Uint8Array.of(9, 9),
  bootLog: Uint8Array.of(8),
  batches: [
    [
      { tag: new Uint8Array(32), salt: new Uint8Array(32).fill(1), event: Uint8Array.of(0x80) },
      { tag: new Uint8Array(32), salt: new Uint8Array(32).fill(2), event: Uint8Array.of(0x80) },
    ],
  ],
};

interface Behind {
  readonly evidence?: (wanted: Wanted) => Promise<EvidenceParts>;
  readonly activate?: (blob: Uint8Array, secret: Uint8Array) => Promise<Uint8Array>;
}

/** Payload of the answer to the payload of a request. */
async function payloadOf(request: Uint8Array, behind: Behind = {}): Promise<Uint8Array> {
  const frame = await answerAgent(
    { evidence: behind.evidence ?? (async () => PARTS) },
    { identity: () => IDENTITY, activate: behind.activate ?? (async () => Uint8Array.of(3)) },
    BOOT_ID,
    request,
  );
  const [payload = new Uint8Array(0)] = new FrameSplitter(MONITOR_ANSWER_MAX).push(frame);
  return payload;
}

async function ask<Op extends MonitorOp>(
  request: Extract<MonitorRequest, { op: Op }>,
  behind?: Behind,
): Promise<MonitorAnswer<Op>> {
  const [payload = new Uint8Array(0)] = new FrameSplitter(MONITOR_ANSWER_MAX).push(
    encodeMonitorRequest(request),
  );
  return decodeMonitorAnswer<Op>(request.op as Op, await payloadOf(payload, behind));
}

const EVIDENCE: MonitorRequest & { op: "evidence" } = {
  op: "evidence",
  nonce: NONCE,
  listOffset: 100,
  logOffset: 2,
  bank: "sha384",
  pcrs: [10, 11, 13],
  bootLog: true,
};

it("says who node and TPM are", async () => {
  expect(await ask({ op: "identity" })).toEqual({ ok: true, bootId: BOOT_ID, ...IDENTITY });
});

it("opens a credential", async () => {
  const asked: Uint8Array[] = [];
  const activate = async (...parts: Uint8Array[]): Promise<Uint8Array> => {
    asked.push(...parts);
    return Uint8Array.of(7);
  };
  const [credentialBlob, secret] = [Uint8Array.of(1), Uint8Array.of(2)];
  expect(await ask({ op: "activate", credentialBlob, secret }, { activate })).toEqual({
    ok: true,
    credential: Uint8Array.of(7),
  });
  expect(asked).toEqual([credentialBlob, secret]);
});

it("gives evidence of just what was asked for", async () => {
  let asked: unknown;
  const evidence = async (wanted: Wanted): Promise<EvidenceParts> => {
    asked = wanted;
    return PARTS;
  };
  const answer = await ask(EVIDENCE, { evidence });
  expect(asked).toEqual(EVIDENCE);
  const bytes = answer.ok ? answer.evidence : new Uint8Array(0);
  expect(decodeEvidence(bytes)).toEqual({
    bootId: BOOT_ID,
    nonce: NONCE,
    listOffset: 100,
    logOffset: 2,
    ...PARTS,
  });
});

describe("what goes wrong has a code", () => {
  it.each([
    [new AgentError("HOST_LIST", "beyond the end"), "HOST_LIST"],
    [new TpmError("PCRS_MOVING", "PCRs changed"), "PCRS_MOVING"],
    [new RangeError("a fault of ours"), "INTERNAL"],
  ])("%s", async (error, code) => {
    expect(await ask(EVIDENCE, { evidence: () => Promise.reject(error) })).toEqual({
      ok: false,
      code,
      message: error.message,
    });
  });

  it("also when what was thrown is no error", async () => {
    expect(await ask(EVIDENCE, { evidence: () => Promise.reject("no") })).toEqual({
      ok: false,
      code: "INTERNAL",
      message: "no",
    });
  });

  it("also when a message has lines, or is long", async () => {
    const evidence = (): Promise<never> =>
      Promise.reject(new AgentError("LOG_IO", `first\nsecond\0${"x".repeat(5000)}`));
    const answer = await ask(EVIDENCE, { evidence });
    expect(answer).toMatchObject({ ok: false, code: "LOG_IO" });
    expect(answer.ok ? "" : answer.message).toMatch(/^first second x+$/);
  });

  it("also when there is too much evidence", async () => {
    const list = new Uint8Array((64 << 20) + 2000);
    expect(await ask(EVIDENCE, { evidence: async () => ({ ...PARTS, list }) })).toMatchObject({
      ok: false,
      code: "FRAME_TOO_LARGE",
    });
  });
});

describe("hostile bytes", () => {
  it("are refused with a code, whatever they are", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        const answer = decodeMonitorAnswer("identity", await payloadOf(bytes));
        expect(answer).toMatchObject({ ok: false, code: expect.stringMatching(/^(CBOR|FIELD)_/) });
      }),
    );
  });

  it("of a request with a bit flipped get an answer", async () => {
    const [request = new Uint8Array(0)] = new FrameSplitter(MONITOR_ANSWER_MAX).push(
      encodeMonitorRequest(EVIDENCE),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 8 * request.length - 1 }), async (bit) => {
        const flipped = request.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const answer = decodeMonitorAnswer("evidence", await payloadOf(flipped));
        if (!answer.ok) expect(answer.code).not.toBe("INTERNAL");
      }),
    );
  });
});
