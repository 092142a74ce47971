// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import * as registration from "./registration.ts";

const fill = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const base64 = (value: Uint8Array) => Buffer.from(value).toString("base64");
const coded = (code: string, at: string) =>
  expect.objectContaining({ name: "ProtocolError", code, message: expect.stringContaining(at) });

const NODE = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
const PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
const ENROLMENT = "0123456789abcdef";

const MESSAGES = [
  {
    name: "EnrolStart",
    encode: registration.encodeEnrolStart,
    decode: registration.decodeEnrolStart,
    value: {
      nodeId: NODE,
      ekPublic: fill(314, 1),
      ekCertificate: fill(900, 2),
      ekChain: fill(1200, 5),
      akPublic: fill(280, 3),
      tlsKey: fill(91, 4),
      joinToken: "A".repeat(43),
      previousCertificate: "0f".repeat(32),
    },
    bad: {
      nodeId: "../../etc",
      ekPublic: "",
      ekCertificate: "%",
      ekChain: 1,
      akPublic: null,
      tlsKey: 1,
      joinToken: "short",
      previousCertificate: "0F",
    },
    open: false,
  },
  {
    name: "EnrolChallenge",
    encode: registration.encodeEnrolChallenge,
    decode: registration.decodeEnrolChallenge,
    value: { enrolmentId: ENROLMENT, credentialBlob: fill(68, 1), secret: fill(256, 2) },
    bad: { enrolmentId: "short", credentialBlob: "A", secret: "A".repeat(10_000) },
    open: true,
  },
  {
    name: "EnrolFinish",
    encode: registration.encodeEnrolFinish,
    decode: registration.decodeEnrolFinish,
    value: { enrolmentId: ENROLMENT, proof: fill(32, 1), possession: fill(70, 2) },
    bad: { enrolmentId: "../0123456789abcdef", proof: base64(fill(31, 1)), possession: "" },
    open: false,
  },
  {
    name: "EnrolResult",
    encode: registration.encodeEnrolResult,
    decode: registration.decodeEnrolResult,
    value: { certificate: PEM, ca: PEM + PEM },
    bad: { certificate: "\u001b[2J", ca: 7 },
    open: true,
  },
  {
    name: "Registration",
    encode: registration.encodeRegistration,
    decode: registration.decodeRegistration,
    value: {
      id: "a".repeat(64),
      akPublic: fill(280, 3),
      admittedBy: "join-token",
      ekHash: "0".repeat(64),
      enrolledAt: "2026-01-31T12:00:00.000Z",
    },
    bad: {
      id: NODE.toUpperCase(),
      akPublic: "",
      admittedBy: "friend",
      ekHash: "0",
      enrolledAt: "today",
    },
    open: true,
  },
] as const;

describe.each(MESSAGES)("$name", ({ encode, decode, value, bad, open }) => {
  const json = (encode as (value: unknown) => Record<string, unknown>)(value);

  it("is read as it was written, bytes as base64", () => {
    expect(JSON.parse(JSON.stringify(json))).toEqual(
      Object.fromEntries(
        Object.entries(value).map(([name, field]) => [
          name,
          typeof field === "object" ? base64(field) : field,
        ]),
      ),
    );
    expect(decode(json)).toEqual(value);
  });

  it.each(Object.entries(bad))("with a bad %s is refused", (name, field) => {
    expect(() => decode({ ...json, [name]: field })).toThrow(coded("FIELD_INVALID", `.${name} `));
  });

  it.each(Object.keys(value))("without %s is refused", (name) => {
    const { [name]: _, ...rest } = json;
    expect(() => decode(rest)).toThrow(coded("FIELD_MISSING", `.${name} `));
  });

  it("with a field more is read only as an answer", () => {
    const more = { ...json, more: 1 };
    if (open) expect(decode(more)).toEqual(value);
    else expect(() => decode(more)).toThrow(coded("FIELD_UNKNOWN", '"more"'));
  });
});

describe("enrolmentProof", () => {
  it("is HMAC-SHA256 (RFC 4231, test case 2)", () => {
    const proof = registration.enrolmentProof(
      Buffer.from("Jefe"),
      Buffer.from("what do ya want for nothing?"),
    );
    expect(Buffer.from(proof).toString("hex")).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });
});
