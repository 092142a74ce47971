// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KEYS, SIGNATURES, verifyVectorEcdsa } from "../../test/signature-vectors.ts";
import { createKeyring } from "./keyring.ts";
import { SignatureChecks } from "./signature-checks.ts";
import { verificationKey } from "./verification-key.ts";

const keys = KEYS.map(({ spki, keyId }) =>
  verificationKey(createPublicKey({ key: spki, format: "der", type: "spki" }), keyId),
);
const ring = createKeyring(keys, new Set(), new SignatureChecks(verifyVectorEcdsa));
const good = SIGNATURES.filter(({ name }) => !/sha1|portable/.test(name));

const flipped = (bytes: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = Number(copy[bit >> 3]) ^ (1 << (bit & 7));
  return copy;
};

describe.each(good)("$name", ({ name, xattr, digest }) => {
  it("fails with any bit of it flipped: header, key id, length or signature", () => {
    // The time in a signature of version 1 is no exception: it is signed.
    const bit = fc.integer({ min: 0, max: xattr.length * 8 - 1 });
    fc.assert(
      fc.property(bit, (at) => {
        expect(ring.judge(flipped(xattr, at), digest)).not.toBe("valid");
      }),
      { numRuns: 200 },
    );
  });

  it("fails with every bit of its header flipped", () => {
    for (let bit = 0; bit < (name.startsWith("v1") ? 19 : 9) * 8; bit += 1) {
      expect(ring.judge(flipped(xattr, bit), digest)).not.toBe("valid");
    }
  });

  it("fails with any bit of the digest flipped", () => {
    const bit = fc.integer({ min: 0, max: digest.value.length * 8 - 1 });
    fc.assert(
      fc.property(bit, (at) => {
        const { algorithm } = digest;
        expect(ring.judge(xattr, { algorithm, value: flipped(digest.value, at) })).toBe("invalid");
      }),
    );
  });
});

it("judges whatever bytes", () => {
  const { digest } = SIGNATURES[1] ?? { digest: { algorithm: "", value: Buffer.alloc(0) } };
  const headed = fc
    .tuple(fc.constantFrom(3, 5, 6), fc.constantFrom(1, 2, 3), fc.uint8Array({ maxLength: 300 }))
    .map(([kind, version, rest]) => Buffer.concat([Buffer.of(kind, version, 4), rest]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), headed), (bytes) => {
      expect(["invalid", "unknown-key"]).toContain(ring.judge(bytes, digest));
    }),
  );
});
