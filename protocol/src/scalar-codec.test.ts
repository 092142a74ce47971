// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import type { Codec } from "./codec.ts";
import {
  base64,
  base64url,
  bytes,
  flag,
  integer,
  isoTime,
  oneOf,
  pem,
  text,
} from "./scalar-codec.ts";

const four = new Uint8Array([0xfb, 0xff, 0xfe, 0x01]);

/** What each codec reads, as `[wire, value]`, and what it refuses. */
const CASES: readonly {
  readonly name: string;
  readonly codec: Codec<never, unknown>;
  readonly reads: readonly (readonly [wire: unknown, value: unknown])[];
  readonly refuses: readonly unknown[];
}[] = [
  {
    name: "text",
    codec: text({ max: 5 }) as Codec<never, unknown>,
    reads: [
      ["", ""],
      ["ab cd", "ab cd"],
      ["\u{1f600}", "\u{1f600}"],
    ],
    refuses: [
      "abcdef",
      "a\nb",
      "a\0",
      "\u007f",
      "\u0085",
      "\u2028",
      "\u2029",
      "\ud800",
      1,
      null,
      ["a"],
      undefined,
    ],
  },
  {
    name: "text of a pattern",
    codec: text({ pattern: /^a+$/, is: (value) => value !== "aa" }) as Codec<never, unknown>,
    reads: [["aaa", "aaa"]],
    refuses: ["", "aa", "b", "a".repeat(1025)],
  },
  {
    name: "pem",
    codec: pem(60) as Codec<never, unknown>,
    reads: [
      ["-----BEGIN X-----\nQQ==\n-----END X-----\n", "-----BEGIN X-----\nQQ==\n-----END X-----\n"],
    ],
    refuses: [
      "",
      "QQ==",
      "-----BEGIN X\u001b",
      "-----BEGIN X\u00e4",
      `-----BEGIN ${"x".repeat(60)}`,
      1,
    ],
  },
  {
    name: "integer",
    codec: integer(9) as Codec<never, unknown>,
    reads: [
      [0, 0],
      [9, 9],
    ],
    refuses: [-1, -0, 10, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", null, true],
  },
  {
    name: "integer without limit",
    codec: integer() as Codec<never, unknown>,
    reads: [[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]],
    refuses: [2 ** 53],
  },
  {
    name: "flag",
    codec: flag as Codec<never, unknown>,
    reads: [
      [true, true],
      [false, false],
    ],
    refuses: [0, 1, "true", null],
  },
  {
    name: "oneOf",
    codec: oneOf<string | number | boolean>("a", 1, false) as Codec<never, unknown>,
    reads: [
      ["a", "a"],
      [1, 1],
      [false, false],
    ],
    refuses: ["b", "1", 0, true, null, undefined],
  },
  {
    name: "bytes",
    codec: bytes(2, 4) as Codec<never, unknown>,
    reads: [[four, four]],
    refuses: [new Uint8Array(1), new Uint8Array(5), [1, 2], "ab", null],
  },
  {
    name: "base64",
    codec: base64(1, 4) as Codec<never, unknown>,
    reads: [
      ["+//+AQ==", four],
      ["+//+", new Uint8Array([0xfb, 0xff, 0xfe])],
    ],
    // Among them: the other alphabet, no padding, bits that no byte uses, too much padding.
    refuses: [
      "",
      "-__-AQ==",
      "+//+AQ",
      "+//+AR==",
      "+//+AQ===",
      "+//+AQ==\n",
      " +//",
      "AAAAAAAA",
      "====",
      1,
      null,
    ],
  },
  {
    name: "base64url",
    codec: base64url(4) as Codec<never, unknown>,
    reads: [["-__-AQ", four]],
    refuses: [
      "+//+AQ==",
      "-__-AQ==",
      "-__-AR",
      "-__-A",
      "-__-",
      "-__-AQAA",
      "A".repeat(1000),
      null,
    ],
  },
  {
    name: "isoTime",
    codec: isoTime as Codec<never, unknown>,
    reads: [["2026-01-31T12:00:00.000Z", "2026-01-31T12:00:00.000Z"]],
    refuses: [
      "2026-01-31",
      "2026-01-31T12:00:00Z",
      "2026-02-30T12:00:00.000Z",
      "tomorrow",
      "",
      0,
      null,
    ],
  },
];

describe.each(CASES)("$name", ({ codec, reads, refuses }) => {
  it.each(reads)("reads and writes %j", (wire, value) => {
    expect(codec.decode(wire, "here")).toEqual(value);
    expect(codec.encode(value as never)).toEqual(wire);
  });

  it.each(refuses.map((wire) => [wire]))("refuses %j and says where", (wire) => {
    expect(() => codec.decode(wire, "message.field")).toThrow(
      expect.objectContaining({
        name: "ProtocolError",
        code: "FIELD_INVALID",
        message: expect.stringMatching(/^message\.field /),
      }),
    );
  });
});
