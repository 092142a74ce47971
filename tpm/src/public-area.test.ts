// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { makeEccAk, makeRsaAk } from "../test/software-ak.ts";
import { hex, readQuotes, readQuoteVector } from "../test/vector.ts";
import { digest } from "./hash-algorithm.ts";
import { AK_RSA_2048_TEMPLATE, EK_RSA_2048_TEMPLATE } from "./key-template.ts";
import { encodePublicArea, parsePublicArea, publicAreaName, publicKeyOf } from "./public-area.ts";

const P256 = readQuoteVector("p256").akPublic;
const RSA = readQuoteVector("rsa").akPublic;

const X_49 = new Uint8Array(49);

/** Replaces the bytes at `offset`. */
function patched(bytes: Uint8Array, offset: number, digits: string): Uint8Array {
  const copy = bytes.slice();
  copy.set(hex(digits), offset);
  return copy;
}

describe("a public area", () => {
  it("of a P-256 attestation key is understood", () => {
    expect(parsePublicArea(P256)).toMatchObject({
      type: "ecc",
      nameAlg: "sha256",
      attributes: 0x0005_0072,
      symmetricBits: 0,
      scheme: { name: "ecdsa", hash: "sha256" },
    });
  });

  it.each<[string, Uint8Array]>([
    ["P-256", P256],
    ["RSA-2048", RSA],
    ...readQuotes().map(({ name, akPublic }): [string, Uint8Array] => [name, akPublic]),
  ])("of type %s is written as it was read", (_, bytes) => {
    expect(encodePublicArea(parsePublicArea(bytes))).toEqual(bytes);
  });

  it("of an EK has AES-128 for its children and no scheme", () => {
    const template = parsePublicArea(EK_RSA_2048_TEMPLATE);
    expect(template).toMatchObject({ symmetricBits: 128, scheme: null });
    expect(encodePublicArea(template)).toEqual(EK_RSA_2048_TEMPLATE);
  });

  it("may have an AES-256 parent's symmetric part", () => {
    const area = { ...parsePublicArea(EK_RSA_2048_TEMPLATE), symmetricBits: 256 };
    expect(parsePublicArea(encodePublicArea(area)).symmetricBits).toBe(256);
  });

  it.each([
    ["another key type", patched(P256, 0, "0008"), "PUBLIC_AREA"],
    ["an unknown name hash", patched(P256, 2, "0012"), "HASH_UNKNOWN"],
    ["a policy that is no digest", patched(P256, 8, "0001"), "PUBLIC_AREA"],
    ["another cipher than AES", patched(P256, 10, "0013"), "PUBLIC_AREA"],
    ["AES-192", patched(EK_RSA_2048_TEMPLATE, 44, "00c0"), "PUBLIC_AREA"],
    ["another mode than CFB", patched(EK_RSA_2048_TEMPLATE, 46, "0044"), "PUBLIC_AREA"],
    ["RSASSA with an EC key", patched(P256, 12, "0014"), "PUBLIC_AREA"],
    ["ECDSA with an RSA key", patched(RSA, 12, "0018"), "PUBLIC_AREA"],
    ["another curve", patched(P256, 16, "0005"), "PUBLIC_AREA"],
    ["a key derivation scheme", patched(P256, 18, "0020"), "PUBLIC_AREA"],
    ["an x of 33 bytes", makeEccAk({ x: new Uint8Array(33) }).publicArea, "PUBLIC_AREA"],
    ["a y of 33 bytes", makeEccAk({ y: new Uint8Array(33) }).publicArea, "PUBLIC_AREA"],
    ["an x of 49 bytes on P-384", makeEccAk({ curve: "p384", x: X_49 }).publicArea, "PUBLIC_AREA"],
    ["RSA-3072 with a modulus of 2048 bits", patched(RSA, 16, "0c00"), "PUBLIC_AREA"],
    ["RSA-1024", patched(RSA, 16, "0400"), "PUBLIC_AREA"],
    ["an exponent of 3", patched(RSA, 18, "00000003"), "PUBLIC_AREA"],
    ["a short modulus", patched(RSA, 22, "00ff"), "PUBLIC_AREA"],
    ["a byte too many", new Uint8Array([...P256, 0]), "BYTES_TRAILING"],
    ["a template without a modulus", AK_RSA_2048_TEMPLATE, "PUBLIC_AREA"],
  ])("is refused with %s", (_, bytes, code) => {
    expect(codeOf(() => parsePublicArea(bytes))).toBe(code);
  });

  it("is refused when it is cut anywhere", () => {
    for (let length = 0; length < P256.length; length++) {
      expect(codeOf(() => parsePublicArea(P256.subarray(0, length)))).toBe("BYTES_SHORT");
    }
  });

  it("is named by its hash and its digest", () => {
    expect(publicAreaName(P256)).toEqual(new Uint8Array([0, 0x0b, ...digest("sha256", P256)]));
    expect(codeOf(() => publicAreaName(new Uint8Array([...P256, 0])))).toBe("BYTES_TRAILING");
  });
});

describe("publicKeyOf", () => {
  it("takes real keys of both types", () => {
    expect(publicKeyOf(makeRsaAk().area).asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(publicKeyOf(makeEccAk().area).asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(publicKeyOf(parsePublicArea(P256)).type).toBe("public");
  });

  it("pads a coordinate whose leading zeros were left out", () => {
    // The point with x = 5, as small as they come.
    const y = "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc";
    const area = { ...makeEccAk().area, x: hex("05"), y: hex(y) };
    expect(publicKeyOf(area).type).toBe("public");
  });

  it("refuses a point that is not on the curve", () => {
    const { area } = makeEccAk({ x: new Uint8Array(32).fill(1) });
    expect(codeOf(() => publicKeyOf(area))).toBe("KEY_INVALID");
  });

  it.each([
    ["zero", new Uint8Array(256)],
    ["even", new Uint8Array(256).fill(0xfe)],
    ["short of its top bit", new Uint8Array(256).fill(0x7f)],
    ["empty", new Uint8Array(0)],
  ])("refuses a modulus that is %s", (_, modulus) => {
    expect(codeOf(() => publicKeyOf(makeRsaAk({ modulus }).area))).toBe("KEY_INVALID");
  });
});
