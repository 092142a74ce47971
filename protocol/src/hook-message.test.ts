// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import {
  decodeHookAnswer,
  decodeHookRequest,
  encodeHookAnswer,
  encodeHookRequest,
} from "./hook-message.ts";
import { HOOK_ANSWER_MAX, HOOK_STATE_MAX } from "./limits.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
const payload = (frame: Uint8Array) => frame.subarray(4);
const coded = (code: string) => expect.objectContaining({ name: "ProtocolError", code });

describe("a hook's request", () => {
  it.each([
    ["open", "00000003017b7d"],
    ["close", "00000003027b7d"],
  ] as const)("to %s has exactly these bytes", (verb, frame) => {
    const request = { verb, state: hex("7b7d") };
    expect(encodeHookRequest(request)).toEqual(hex(frame));
    expect(decodeHookRequest(payload(hex(frame)))).toEqual(request);
  });

  it.each(["00", "03", "ff"])("with the verb %s is refused", (verb) => {
    expect(() => decodeHookRequest(hex(`${verb}7b7d`))).toThrow(coded("FIELD_INVALID"));
  });

  it("without a verb is refused", () => {
    expect(() => decodeHookRequest(hex(""))).toThrow(coded("FIELD_MISSING"));
  });

  it("may carry the largest state", () => {
    const state = new Uint8Array(HOOK_STATE_MAX);
    expect(encodeHookRequest({ verb: "open", state })).toHaveLength(HOOK_STATE_MAX + 5);
    const more = new Uint8Array(HOOK_STATE_MAX + 1);
    expect(() => encodeHookRequest({ verb: "open", state: more })).toThrow(
      coded("FRAME_TOO_LARGE"),
    );
  });
});

describe("an answer to the hook", () => {
  it.each([
    [{ ok: true, message: "" }, "0000000100"],
    [{ ok: false, message: "nö" }, "00000004016ec3b6"],
  ])("%j has exactly these bytes", (answer, frame) => {
    expect(encodeHookAnswer(answer)).toEqual(hex(frame));
    expect(decodeHookAnswer(payload(hex(frame)))).toEqual(answer);
  });

  it("is one line, whatever it was made of", () => {
    const frame = encodeHookAnswer({ ok: false, message: "a\nb\r\u001b[2J\u2028\ud800" });
    expect(decodeHookAnswer(payload(frame)).message).toBe("a b  [2J  ");
  });

  it("is cut where it would not fit", () => {
    for (const character of ["x", "ü", "€", "\u{1f600}"]) {
      const frame = encodeHookAnswer({ ok: false, message: character.repeat(HOOK_ANSWER_MAX) });
      expect(frame.length).toBeLessThanOrEqual(HOOK_ANSWER_MAX + 4);
      expect(decodeHookAnswer(payload(frame)).message.startsWith(character.repeat(100))).toBe(true);
    }
  });

  it.each([
    ["no status", "", "FIELD_MISSING"],
    ["an unknown status", "02", "FIELD_INVALID"],
    ["a message that is no UTF-8", "00ff", "FIELD_INVALID"],
  ])("with %s is refused", (_, text, code) => {
    expect(() => decodeHookAnswer(hex(text))).toThrow(coded(code));
  });
});
