// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { makeEccAk, makeRsaAk, type SoftwareAk } from "../test/software-ak.ts";
import { hex } from "../test/vector.ts";
import { ByteReader } from "./bytes.ts";
import { makeCredential } from "./credential.ts";
import { EK_RSA_2048_TEMPLATE } from "./key-template.ts";
import { type PublicArea, parsePublicArea, publicAreaName } from "./public-area.ts";

// That a TPM can read what is made here is shown by the swtpm tests of the agent.

const { attributes, symmetricBits, authPolicy } = parsePublicArea(EK_RSA_2048_TEMPLATE);
const EK = { attributes, symmetricBits, authPolicy, scheme: null };
const AK_NAME = publicAreaName(makeEccAk().publicArea);
const CREDENTIAL = new Uint8Array(32).fill(9);

/** The base point. */
const P384 = {
  curve: "p384",
  x: hex(
    "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
  ),
  y: hex(
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
  ),
} as const;

function wrap(ek: SoftwareAk, credential = CREDENTIAL, akName = AK_NAME) {
  return makeCredential({ ekPublic: ek.publicArea, akName, credential });
}

it.each<[string, SoftwareAk, number]>([
  ["RSA-2048", makeRsaAk(EK), 256],
  ["P-256", makeEccAk(EK), 2 + 32 + 2 + 32],
  ["P-384", makeEccAk({ ...EK, ...P384 }), 2 + 48 + 2 + 48],
  ["AES-256", makeRsaAk({ ...EK, symmetricBits: 256 }), 256],
])("wraps a credential for an EK with %s", (_, ek, secretSize) => {
  const { credentialBlob, secret } = wrap(ek);
  expect(secret).toHaveLength(secretSize);
  const blob = new ByteReader(credentialBlob);
  expect(blob.tpm2b()).toHaveLength(32);
  expect(blob.rest).toHaveLength(2 + CREDENTIAL.length);
});

it("never wraps a credential twice in the same way", () => {
  const ek = makeRsaAk(EK);
  const [first, second] = [wrap(ek), wrap(ek)];
  expect(first.credentialBlob).not.toEqual(second.credentialBlob);
  expect(first.secret).not.toEqual(second.secret);
});

it.each<[string, Partial<PublicArea>]>([
  ["can sign instead of decrypt", { attributes: 0x0005_0072 }],
  ["is not restricted", { attributes: attributes & ~0x0001_0000 }],
  ["may leave its TPM", { attributes: attributes & ~0x0000_0002 }],
  ["is no storage key", { symmetricBits: 0 }],
  [
    "wants more key bits than its hash gives",
    { nameAlg: "sha1", symmetricBits: 256, authPolicy: new Uint8Array(0) },
  ],
])("refuses an EK that %s", (_, changes) => {
  const ek = makeRsaAk({ ...EK, ...(changes as object) });
  expect(codeOf(() => wrap(ek, new Uint8Array(8)))).toBe("CREDENTIAL");
});

it("refuses an EK whose key is none", () => {
  expect(codeOf(() => wrap(makeEccAk({ ...EK, x: new Uint8Array(32) })))).toBe("KEY_INVALID");
  expect(codeOf(() => wrap(makeRsaAk({ ...EK, modulus: new Uint8Array(256) })))).toBe(
    "KEY_INVALID",
  );
});

it.each([
  ["an empty credential", new Uint8Array(0), AK_NAME],
  ["a credential longer than the EK's hash", new Uint8Array(33), AK_NAME],
  ["an empty name", CREDENTIAL, new Uint8Array(0)],
  ["a name that is a handle", CREDENTIAL, new Uint8Array(4)],
])("refuses %s", (_, credential, akName) => {
  expect(codeOf(() => wrap(makeEccAk(EK), credential, akName))).toBe("CREDENTIAL");
});
