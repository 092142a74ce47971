// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import {
  type Challenge,
  decodeChallenge,
  decodeChallengeRequest,
  encodeChallenge,
  encodeChallengeRequest,
} from "./challenge.ts";

const request = { bootId: "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0" };
const challenge: Challenge = {
  nonce: new Uint8Array(32).fill(0xfb),
  listOffset: 12_345_678,
  logOffset: 9,
  bank: "sha256",
  pcrs: [10, 13],
  bootLog: true,
  deadline: "2026-01-31T12:00:00.000Z",
};
const json = {
  nonce: "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s",
  listOffset: 12_345_678,
  logOffset: 9,
  bank: "sha256",
  pcrs: [10, 13],
  bootLog: true,
  deadline: "2026-01-31T12:00:00.000Z",
};
const coded = (code: string, at: string) =>
  expect.objectContaining({ name: "ProtocolError", code, message: expect.stringContaining(at) });

describe("a challenge", () => {
  it("is asked for by boot id, and by nothing else", () => {
    expect(encodeChallengeRequest(request)).toEqual(request);
    expect(decodeChallengeRequest(request)).toEqual(request);
    expect(() => decodeChallengeRequest({ ...request, pcrs: [16] })).toThrow(
      coded("FIELD_UNKNOWN", "pcrs"),
    );
    expect(() => decodeChallengeRequest({ bootId: "../" })).toThrow(
      coded("FIELD_INVALID", "challenge.bootId"),
    );
  });

  it("is read as it was written, and may say more than we know", () => {
    expect(encodeChallenge(challenge)).toEqual(json);
    expect(decodeChallenge({ ...json, news: true })).toEqual(challenge);
  });

  it.each([
    { nonce: "AAAA" },
    { nonce: `${json.nonce}=` },
    { listOffset: -1 },
    { logOffset: 0.5 },
    { bank: "md5" },
    { pcrs: [24] },
    { pcrs: "10,13" },
    { deadline: "soon" },
  ])("with %j is refused", (change) => {
    expect(() => decodeChallenge({ ...json, ...change })).toThrow(
      coded("FIELD_INVALID", `challenge.${Object.keys(change)[0]}`),
    );
  });
});
