// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { type CborValue, encodeCbor } from "./cbor.ts";
import { MONITOR_ANSWER_MAX, MONITOR_REQUEST_MAX } from "./limits.ts";
import {
  decodeMonitorAnswer,
  decodeMonitorRequest,
  encodeMonitorAnswer,
  encodeMonitorRefusal,
  encodeMonitorRequest,
  type MonitorRequest,
} from "./monitor-message.ts";

const fill = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const payload = (frame: Uint8Array) => {
  expect(new DataView(frame.buffer).getUint32(0)).toBe(frame.length - 4);
  return frame.subarray(4);
};
const coded = (code: string, at = "") =>
  expect.objectContaining({ name: "ProtocolError", code, message: expect.stringContaining(at) });

describe("a request to the monitor", () => {
  it.each<MonitorRequest>([
    { op: "identity" },
    { op: "activate", credentialBlob: fill(68, 1), secret: fill(256, 2) },
    {
      op: "evidence",
      nonce: fill(32, 3),
      listOffset: 5_000_000_000,
      logOffset: 0,
      bank: "sha384",
      pcrs: [10, 11, 13],
      bootLog: true,
    },
  ])("for $op is read as it was written", (request) => {
    expect(decodeMonitorRequest(payload(encodeMonitorRequest(request)))).toEqual(request);
  });

  it("has exactly these bytes", () => {
    const frame = encodeMonitorRequest({ op: "identity" });
    expect(Buffer.from(frame).toString("hex")).toBe("0000000da1626f70686964656e74697479");
  });

  const evidence = (bank: string, pcrs: readonly number[]): CborValue =>
    new Map<string, CborValue>([
      ["op", "evidence"],
      ["nonce", fill(32, 0)],
      ["listOffset", 0],
      ["logOffset", 0],
      ["bank", bank],
      ["pcrs", pcrs],
      ["bootLog", false],
    ]);

  it.each<[string, string, CborValue]>([
    ["no map", "FIELD_INVALID", ["identity"]],
    ["no op", "FIELD_INVALID", new Map()],
    ["an unknown op", "FIELD_INVALID", new Map([["op", "extend"]])],
    ["an op of the prototype", "FIELD_INVALID", new Map([["op", "toString"]])],
    [
      "a field of its own choice",
      "FIELD_UNKNOWN",
      new Map<string, CborValue>([
        ["op", "identity"],
        ["pcr", 16],
      ]),
    ],
    [
      "no nonce",
      "FIELD_MISSING",
      new Map<string, CborValue>([
        ["op", "evidence"],
        ["listOffset", 0],
        ["logOffset", 0],
      ]),
    ],
    [
      "a short nonce",
      "FIELD_INVALID",
      new Map<string, CborValue>([
        ["op", "evidence"],
        ["nonce", fill(16, 0)],
        ["listOffset", 0],
        ["logOffset", 0],
        ["bank", "sha256"],
        ["pcrs", [10]],
        ["bootLog", false],
      ]),
    ],
    ["a PCR that no TPM has", "FIELD_INVALID", evidence("sha256", [24])],
    ["more PCRs than a TPM has", "FIELD_INVALID", evidence("sha256", Array(25).fill(10))],
    ["an unknown bank", "FIELD_INVALID", evidence("sha3-256", [10])],
  ])("with %s is refused", (_, code, value) => {
    expect(() => decodeMonitorRequest(encodeCbor(value))).toThrow(coded(code, "request"));
  });

  it("above its limit is refused unread", () => {
    expect(() => decodeMonitorRequest(fill(MONITOR_REQUEST_MAX + 1, 0))).toThrow(
      coded("MESSAGE_TOO_LARGE"),
    );
  });
});

describe("an answer of the monitor", () => {
  const identity = {
    bootId: "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    ekPublic: fill(314, 1),
    ekCertificate: fill(900, 2),
    ekChain: fill(1200, 5),
    akPublic: fill(280, 3),
  };

  it("is read as it was written", () => {
    for (const ekCertificate of [identity.ekCertificate, null]) {
      const frame = encodeMonitorAnswer("identity", { ...identity, ekCertificate });
      expect(decodeMonitorAnswer("identity", payload(frame))).toEqual({
        ok: true,
        ...identity,
        ekCertificate,
      });
    }
    const activated = encodeMonitorAnswer("activate", { credential: fill(32, 4) });
    expect(decodeMonitorAnswer("activate", payload(activated))).toEqual({
      ok: true,
      credential: fill(32, 4),
    });
    const quoted = encodeMonitorAnswer("evidence", { evidence: fill(99, 5) });
    expect(decodeMonitorAnswer("evidence", payload(quoted))).toEqual({
      ok: true,
      evidence: fill(99, 5),
    });
  });

  it("may be a refusal, whatever was asked", () => {
    const refusal = { code: "TPM_BUSY", message: "try again" };
    const frame = payload(encodeMonitorRefusal(refusal));
    expect(decodeMonitorAnswer("identity", frame)).toEqual({ ok: false, ...refusal });
    expect(decodeMonitorAnswer("evidence", frame)).toEqual({ ok: false, ...refusal });
  });

  it.each<[string, string, CborValue]>([
    ["no map", "FIELD_INVALID", [true]],
    ["no ok", "FIELD_INVALID", new Map([["credential", fill(1, 1)]])],
    [
      "the answer to something else",
      "FIELD_MISSING",
      new Map<string, CborValue>([
        ["ok", true],
        ["evidence", fill(1, 1)],
      ]),
    ],
    [
      "no credential in it",
      "FIELD_INVALID",
      new Map<string, CborValue>([
        ["ok", true],
        ["credential", fill(0, 1)],
      ]),
    ],
    [
      "a malformed code",
      "FIELD_INVALID",
      new Map<string, CborValue>([
        ["ok", false],
        ["code", "no way"],
        ["message", ""],
      ]),
    ],
    [
      "an escape sequence",
      "FIELD_INVALID",
      new Map<string, CborValue>([
        ["ok", false],
        ["code", "NO"],
        ["message", "\u001b"],
      ]),
    ],
  ])("with %s is refused", (_, code, value) => {
    expect(() => decodeMonitorAnswer("activate", encodeCbor(value))).toThrow(coded(code, "answer"));
  });

  it("above its limit is not written", () => {
    expect(() =>
      encodeMonitorAnswer("evidence", { evidence: fill(MONITOR_ANSWER_MAX, 0) }),
    ).toThrow(coded("FRAME_TOO_LARGE"));
  });
});
