// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const PARSE = "ns-ima/src/signature/ima-signature.ts";
const KEYRING = "ns-ima/src/signature/keyring.ts";
const KEY = "ns-ima/src/signature/verification-key.ts";
const KEY_TEST = "ns-ima/src/signature/verification-key.test.ts";
const NAMESPACES = "verifier/src/policy/namespace-policies.ts";
const WAITING = "verifier/src/verdict/judge-waiting.ts";
const DECIDE = "verifier/src/verdict/decide-namespace.ts";
const PARSE_TEST = "ns-ima/src/signature/ima-signature.test.ts";

/** What makes the signature of a file one that counts. */
export const SIGNATURE_CHECKS = {
  "signature-made": {
    file: KEYRING,
    excerpt: "candidates.find((key) => checks.isMadeBy({ key, signature, digest: value }));",
    without: "candidates[0];",
    guards: "a key of the keyring has made the signature, over this digest",
  },
  "signature-key": {
    file: KEYRING,
    excerpt: 'if (candidates === undefined) return "unknown-key";',
    without: 'if (candidates === undefined) return "valid";',
    guards: "the keyring has the key",
  },
  "signature-revoked-id": {
    file: KEYRING,
    excerpt: 'if (revoked.has(signature.keyId)) return "revoked-key";',
    without: "",
    guards: "a revoked id counts no longer",
  },
  "signature-revoked": {
    file: KEYRING,
    excerpt: 'return revoked.has(signer.fingerprint) ? "revoked-key" : "valid";',
    without: 'return "valid";',
    guards: "a revoked key counts no longer, under whatever id",
  },
  "signature-evm": {
    file: KEYRING,
    excerpt: "evm: null }",
    without: "evm: algorithm }",
    guards: "a signature over attributes says nothing about a content",
  },
  "signature-verity": {
    file: KEYRING,
    excerpt: "verity: `verity:${algorithm}`",
    without: "verity: algorithm",
    guards: "a signature over an fs-verity digest says nothing about a content",
  },
  "signature-hash": {
    file: PARSE,
    excerpt: "if (name === undefined) throw unsupported(`hash ${number}`);",
    without: 'if (name === undefined) return "sha256";',
    guards: "no signature over a broken hash counts",
  },
  "signature-size": {
    file: PARSE,
    excerpt: "if (bytes.length > SIGNATURE_SIZE_MAX) throw malformed(`${bytes.length} bytes`);",
    without: "",
    guards: "a signature has a size that is possible",
    tests: [
      { file: PARSE_TEST, title: "may be as large as the largest key makes it, and no larger" },
    ],
  },
  "signature-type": {
    file: PARSE,
    excerpt: "if (kind === undefined) throw malformed(`type ${type} is no signature`);",
    without:
      'if (kind === undefined) return { version: 2, kind: "file", algorithm: "sha256", keyId: "", value: reader.rest };',
    guards: "what is read as a signature is one",
    tests: [{ file: PARSE_TEST, title: "a digest with its algorithm" }],
  },
  "signature-version": {
    file: PARSE,
    excerpt: "throw malformed(`version ${version} of a signature of type ${type}`);",
    without: 'return { version: 2, kind: "file", ...readHeader(reader) };',
    guards: "a signature is of a version that is understood",
    tests: [{ file: PARSE_TEST, title: "version 4" }],
  },
  "signature-empty": {
    file: PARSE,
    excerpt: 'if (value.length === 0) throw malformed("the signature is empty");',
    without: "",
    guards: "a signature is there",
    tests: [{ file: PARSE_TEST, title: "no signature behind the header" }],
  },
  "signature-v1-key": {
    file: PARSE,
    excerpt:
      'if (fields.u8() !== V1_ALGORITHM_RSA) throw unsupported("version 1 with another key than RSA");',
    without: "fields.u8();",
    guards: "a signature of version 1 is by RSA",
    tests: [{ file: PARSE_TEST, title: "version 1 with another key than RSA" }],
  },
  "signature-v1-hash": {
    file: PARSE,
    excerpt:
      'if (fields.u8() !== V1_HASH_SHA256) throw unsupported("version 1 over another hash than SHA-256");',
    without: "fields.u8();",
    guards: "and over SHA-256",
    tests: [{ file: PARSE_TEST, title: "version 1 over SHA-1" }],
  },
  "signature-v1-count": {
    file: PARSE,
    excerpt: 'if (fields.u8() !== 1) throw malformed("version 1 with more than one number");',
    without: "fields.u8();",
    guards: "and of one number",
    tests: [{ file: PARSE_TEST, title: "version 1 with another number of numbers" }],
  },
  "signature-host-key": {
    file: NAMESPACES,
    excerpt: "if (!section.flag(key)) return null;",
    without: "",
    guards: "the host's keys and digests count in a namespace that asks for them",
  },
  "signature-wait": {
    file: WAITING,
    excerpt: "if (answer.mayBeSigned && marks - item.marks < SIGNATURE_MARKS) still.push(item);",
    without: "if (answer.mayBeSigned) still.push(item);",
    guards: "an execution waits for a signature for a bounded time",
  },
  "signature-pending": {
    file: DECIDE,
    excerpt: "...(isBound && waiting.length > 0 ? [SIGNATURE_PENDING] : []),",
    without: "",
    guards: "nothing is affirmed while something waits to be judged",
  },
  "signature-key-bits": {
    file: KEY,
    excerpt: "if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {",
    without: "if (false) {",
    guards: "no key of a keyring can be factored, and none costs too much",
    tests: [{ file: KEY_TEST, title: "an RSA key one bit too small" }],
  },
  "signature-key-exponent": {
    file: KEY,
    excerpt: "if (exponent < 3n || exponent % 2n === 0n || exponent > RSA_EXPONENT_MAX) {",
    without: "if (false) {",
    guards: "no key of a keyring has an exponent with which everything is signed",
    tests: [{ file: KEY_TEST, title: "the exponent 1" }],
  },
  "signature-key-type": {
    file: KEY,
    excerpt: 'if (type !== "ec" || curve === undefined) {',
    without: "if (false) {",
    guards: "a key of a keyring is of a kind that is verified here",
    tests: [{ file: KEY_TEST, title: "another curve" }],
  },
} as const satisfies Checks;
