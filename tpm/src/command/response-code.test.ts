// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { describeResponseCode } from "./response-code.ts";

it.each([
  [0x100, "INITIALIZE (0x100)"],
  [0x14a, "NV_UNINITIALIZED (0x14a)"],
  [0x18b, "HANDLE of handle 1 (0x18b)"],
  [0x1d5, "SIZE of parameter 1 (0x1d5)"],
  [0x3e0, "TICKET of parameter 3 (0x3e0)"],
  [0x9a2, "BAD_AUTH of session 1 (0x9a2)"],
  [0x922, "RETRY (0x922)"],
  [0x902, "OBJECT_MEMORY (0x902)"],
  [0x01e, "unknown (0x01e)"],
  [0x97f, "unknown (0x97f)"],
  [0xffff_ffff, "unknown of parameter 15 (0xffffffff)"],
])("describes code %i", (code, text) => {
  expect(describeResponseCode(code)).toBe(text);
});
