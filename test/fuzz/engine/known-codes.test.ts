// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { readKnownCodes } from "./known-codes.ts";

it("the codes of an error class are those of the document", () => {
  const codes = readKnownCodes(process.cwd());
  expect(codes.get("TpmError")?.has("BYTES_SHORT")).toBe(true);
  expect(codes.get("ProtocolError")?.has("CBOR_LIMIT")).toBe(true);
  expect(codes.get("ProtocolError")?.has("BYTES_SHORT")).toBe(false);
});
