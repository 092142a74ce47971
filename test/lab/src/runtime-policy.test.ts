// SPDX-License-Identifier: Apache-2.0
import { parseRuntimePolicy } from "@nsattest/ns-ima";
import { expect, test } from "vitest";
import { runtimePolicy } from "./runtime-policy.ts";

const DIGEST = "ab".repeat(32);

test("the verifier's own parser takes it, with files and keys and nothing excluded", () => {
  const document = runtimePolicy(new Map([["/bin/sh", DIGEST]]), { ".ima": [DIGEST] });
  expect(() => parseRuntimePolicy(document)).not.toThrow();
  expect(document).toMatchObject({
    digests: { "/bin/sh": [DIGEST] },
    keyrings: { ".ima": [DIGEST] },
    excludes: [],
  });
});
