// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { isContainerId, isNamespaceId } from "./namespace-id.ts";

it.each(["web", "0123456789abcdef", "k8s_POD.x-1+2", "a".repeat(128), "..."])(
  "takes %s for a container id",
  (id) => {
    expect(isContainerId(id)).toBe(true);
    expect(isNamespaceId(`${id}/0`)).toBe(true);
  },
);

it.each(["", ".", "..", "a/b", "a b", "a\n", "a\0", "ä", "a".repeat(129)])(
  "does not take %j for a container id",
  (id) => {
    expect(isContainerId(id)).toBe(false);
    expect(isNamespaceId(`${id}/0`)).toBe(false);
  },
);

it.each([
  ["host", true],
  ["host/1", true],
  ["web/999999999999999", true],
  ["web", false],
  ["web/", false],
  ["/1", false],
  ["web/01", false],
  ["web/-1", false],
  ["web/1\n", false],
  ["web/1/2", false],
  ["web/9999999999999999", false],
])("says of the namespace id %j: %s", (id, expected) => {
  expect(isNamespaceId(id)).toBe(expected);
});
