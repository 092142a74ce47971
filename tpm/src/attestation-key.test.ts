// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { makeEccAk, makeRsaAk } from "../test/software-ak.ts";
import { readQuoteVector } from "../test/vector.ts";
import {
  assertAttestationKey,
  loadAttestationKey,
  rememberAttestationKeys,
} from "./attestation-key.ts";
import { EK_RSA_2048_TEMPLATE } from "./key-template.ts";
import { ObjectAttribute as Attribute, type PublicArea, parsePublicArea } from "./public-area.ts";

const AREA = parsePublicArea(readQuoteVector("p256").akPublic);

function refusal(area: PublicArea) {
  return codeOf(() => assertAttestationKey(area));
}

it("accepts restricted signing keys that never left their TPM", () => {
  expect(refusal(AREA)).toBeNull();
  expect(refusal(parsePublicArea(readQuoteVector("rsa").akPublic))).toBeNull();
});

it.each(["fixedTPM", "fixedParent", "sensitiveDataOrigin", "restricted", "sign"] as const)(
  "refuses a key without %s",
  (name) => {
    expect(refusal({ ...AREA, attributes: AREA.attributes & ~Attribute[name] })).toBe(
      "AK_ATTRIBUTES",
    );
  },
);

it.each([
  ["that can also decrypt", { ...AREA, attributes: AREA.attributes | Attribute.decrypt }],
  ["without a fixed scheme", { ...AREA, scheme: null }],
  ["that signs SHA-1", { ...AREA, scheme: { name: "ecdsa", hash: "sha1" } as const }],
  ["whose name is a SHA-1", { ...AREA, nameAlg: "sha1" as const }],
  ["that is an EK", parsePublicArea(EK_RSA_2048_TEMPLATE)],
])("refuses a key %s", (_, area) => {
  expect(refusal(area)).toBe("AK_ATTRIBUTES");
});

describe("keys that are remembered", () => {
  const keys = [makeRsaAk(), makeEccAk()].map(({ publicArea }) => publicArea);
  const [first = new Uint8Array(), second = new Uint8Array()] = keys;

  it("are made once, found by their bytes", () => {
    const keyOf = rememberAttestationKeys(2);
    const loaded = keyOf(first);
    expect(keyOf(second)).not.toBe(loaded);
    expect(keyOf(new Uint8Array(first))).toBe(loaded);
    expect(loaded).toEqual(loadAttestationKey(first));
  });

  it("are no more than asked for: the one not used for longest goes", () => {
    const keyOf = rememberAttestationKeys(1);
    const loaded = keyOf(first);
    keyOf(second);
    expect(keyOf(first)).not.toBe(loaded);
  });

  it("are not those of a public area that is none", () => {
    const keyOf = rememberAttestationKeys(2);
    expect(codeOf(() => keyOf(first.subarray(1)))).not.toBeNull();
  });
});
