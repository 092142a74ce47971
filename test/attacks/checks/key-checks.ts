// SPDX-License-Identifier: Apache-2.0

import type { Checks } from "./check.ts";

const AREA = "tpm/src/public-area.ts";
const KEY_TEST = "tpm/src/public-area.test.ts";

/** What makes a key one that can vouch for something. */
export const KEY_CHECKS = {
  "key-fixed-tpm": {
    file: "tpm/src/attestation-key.ts",
    excerpt: '"fixedTPM", ',
    without: "",
    guards: "the attestation key cannot leave its TPM",
  },
  "key-fixed-parent": {
    file: "tpm/src/attestation-key.ts",
    excerpt: '"fixedParent", ',
    without: "",
    guards: "the attestation key cannot be moved under another parent",
  },
  "key-origin": {
    file: "tpm/src/attestation-key.ts",
    excerpt: '"sensitiveDataOrigin", ',
    without: "",
    guards: "the attestation key was made in the TPM",
  },
  "key-restricted": {
    file: "tpm/src/attestation-key.ts",
    excerpt: '"restricted", ',
    without: "",
    guards: "the attestation key signs only what the TPM made",
  },
  "key-signs": {
    file: "tpm/src/attestation-key.ts",
    excerpt: ', "sign"]',
    without: "]",
    guards: "the attestation key is one that signs",
  },
  "key-decrypts": {
    file: "tpm/src/attestation-key.ts",
    excerpt: 'if ((area.attributes & Attribute.decrypt) !== 0) refuse("decrypt is set");',
    without: "",
    guards: "the attestation key has no second use",
  },
  "key-scheme": {
    file: "tpm/src/attestation-key.ts",
    excerpt: 'if (area.scheme === null) refuse("no signing scheme");',
    without: "",
    guards: "the attestation key has one way to sign",
    tests: [{ file: "tpm/src/attestation-key.test.ts", title: "without a fixed scheme" }],
  },
  "key-sha1": {
    file: "tpm/src/attestation-key.ts",
    excerpt: 'if (BROKEN.has(area.nameAlg) || BROKEN.has(area.scheme.hash)) refuse("SHA-1");',
    without: "",
    guards: "neither the key's name nor its signatures stand on a broken hash",
  },
  "key-modulus": {
    file: AREA,
    excerpt: "if (modulus.length !== bits / 8 || first < 0x80 || last % 2 === 0) {",
    without: "if (false) {",
    guards: "a key that anybody could factor is none",
    tests: [{ file: KEY_TEST, title: "refuses a modulus that is" }],
  },
  "key-point": {
    file: AREA,
    excerpt: 'throw new TpmError("KEY_INVALID", "not a point of the curve", { cause });',
    without: "return createPublicKey(AN_INVALID_KEY_IS_TAKEN_FOR_THIS_ONE);",
    guards: "a point off the curve is no key",
    tests: [{ file: KEY_TEST, title: "refuses a point that is not on the curve" }],
  },
  "key-type": {
    file: AREA,
    excerpt:
      'if (type !== AlgorithmId.RSA && type !== AlgorithmId.ECC) throw unsupported("key type", type);',
    without: "",
    guards: "a key is RSA or of P-256",
    tests: [{ file: KEY_TEST, title: "another key type" }],
  },
  "key-policy": {
    file: AREA,
    excerpt:
      "if (authPolicy.length !== 0 && authPolicy.length !== HASH_ALGORITHMS[nameAlg].size) {",
    without: "if (false) {",
    guards: "a key's policy is a digest",
    tests: [
      { file: "test/attacks/second-line.test.ts", title: "reads no key whose policy is no digest" },
    ],
  },
  "key-cipher": {
    file: AREA,
    excerpt:
      'if (algorithm !== AlgorithmId.AES) throw unsupported("symmetric algorithm", algorithm);',
    without: "",
    guards: "a parent protects its children with AES",
    tests: [
      {
        file: "test/attacks/second-line.test.ts",
        title: "reads no key that protects its children with another cipher",
      },
    ],
  },
  "key-cipher-size": {
    file: AREA,
    excerpt: 'if (bits !== 128 && bits !== 256) throw unsupported("AES key size", bits);',
    without: "",
    guards: "with AES of a known size",
    tests: [{ file: KEY_TEST, title: "AES-192" }],
  },
  "key-cipher-mode": {
    file: AREA,
    excerpt: 'if (mode !== AlgorithmId.CFB) throw unsupported("symmetric mode", mode);',
    without: "",
    guards: "and in CFB mode",
    tests: [{ file: KEY_TEST, title: "another mode than CFB" }],
  },
  "key-scheme-form": {
    file: AREA,
    excerpt: 'if (name === undefined) throw unsupported("signing scheme", id);',
    without:
      'if (name === undefined) return { name: "rsassa", hash: hashById(reader.u16()).name };',
    guards: "a key signs in a scheme of its type",
    tests: [{ file: KEY_TEST, title: "RSASSA with an EC key" }],
  },
  "key-rsa-size": {
    file: AREA,
    excerpt: 'if (!RSA_BITS.includes(bits)) throw unsupported("RSA key size", bits);',
    without: "",
    guards: "an RSA key has 2048 bits",
    tests: [
      { file: "test/attacks/second-line.test.ts", title: "reads no RSA key of another size" },
    ],
  },
  "key-rsa-exponent": {
    file: AREA,
    excerpt:
      'if (exponent !== 0 && exponent !== RSA_EXPONENT) throw unsupported("RSA exponent", exponent);',
    without: "",
    guards: "an RSA key has the usual exponent",
    tests: [{ file: KEY_TEST, title: "an exponent of 3" }],
  },
  "key-rsa-modulus": {
    file: AREA,
    excerpt: 'if (modulus.length !== bits / 8) throw unsupported("modulus size", modulus.length);',
    without: "",
    guards: "a modulus is as long as the key says",
    tests: [{ file: KEY_TEST, title: "a short modulus" }],
  },
  "key-curve": {
    file: AREA,
    excerpt: 'if (curve === null) throw unsupported("curve", id);',
    without: 'if (curve === null) return { curve: "p256", x: reader.tpm2b(), y: reader.tpm2b() };',
    guards: "an EC key is on P-256",
    tests: [{ file: KEY_TEST, title: "another curve" }],
  },
  "key-kdf": {
    file: AREA,
    excerpt: 'if (kdf !== AlgorithmId.NULL) throw unsupported("key derivation", kdf);',
    without: "",
    guards: "a signing key derives nothing",
    tests: [{ file: KEY_TEST, title: "a key derivation scheme" }],
  },
  "key-x": {
    file: AREA,
    excerpt: 'if (x.length > size) throw unsupported("coordinate size", x.length);',
    without: "",
    guards: "coordinates fit where they are put",
    tests: [{ file: KEY_TEST, title: "an x of 33 bytes" }],
  },
  "key-y": {
    file: AREA,
    excerpt: 'if (y.length > size) throw unsupported("coordinate size", y.length);',
    without: "",
    guards: "the same of the other one",
    tests: [{ file: KEY_TEST, title: "a y of 33 bytes" }],
  },
} as const satisfies Checks;
