// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import {
  bytePathFromBytes,
  bytePathFromText,
  bytePathToBytes,
  bytePathToText,
  displayPath,
  imaPath,
} from "./byte-path.ts";

it("keeps every byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(bytePathToBytes(bytePathFromBytes(bytes))).toEqual(Buffer.from(bytes));
});

it("takes a view for what it shows", () => {
  expect(bytePathFromBytes(Buffer.from("/usr/bin/sh\0").subarray(4, 11))).toBe("/bin/sh");
});

it("holds text as its UTF-8", () => {
  expect(bytePathFromText("/ü")).toBe("/\xc3\xbc");
  expect(bytePathToText("/\xc3\xbc")).toBe("/ü");
  expect(bytePathToText("/\xff/a")).toBe("/\ufffd/a");
});

it("writes spaces as IMA does", () => {
  expect(imaPath("/a b /c\td")).toBe("/a_b_/c\td");
});

describe("displayPath", () => {
  it.each([
    ["/bin/sh", "/bin/sh"],
    ["", ""],
    ["/with space", "/with space"],
    ["/\xc3\xbc", "/ü"],
    ["/back\\slash", "/back\\\\slash"],
    ["/\x1b[2J\n\0\x7f", "/\\x1b[2J\\x0a\\x00\\x7f"],
    ["/\xff\xc3\xbc\\ \n", "/\\xff\\xc3\\xbc\\\\ \\x0a"],
    [
      bytePathFromText("/\u202ehs\u00a0\u200b\u0085\u2028"),
      "/\\u{202e}hs\\u{a0}\\u{200b}\\u{85}\\u{2028}",
    ],
    [bytePathFromText("\ufeff/\u{e000}\u{10ffff}"), "\\u{feff}/\\u{e000}\\u{10ffff}"],
    ["/\xed\xa0\x80", "/\\xed\\xa0\\x80"],
  ])("shows %j as %s", (path, shown) => {
    expect(displayPath(path)).toBe(shown);
  });
});
