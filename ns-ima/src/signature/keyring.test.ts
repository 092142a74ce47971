// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createPublicKey, hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  KEYS,
  SIGNATURES,
  vectorKey,
  vectorSignature,
  verifyVectorEcdsa,
} from "../../test/signature-vectors.ts";
import { createKeyring, type Keyring } from "./keyring.ts";
import { SignatureChecks } from "./signature-checks.ts";
import { type VerificationKey, verificationKey } from "./verification-key.ts";

/** Keys under the ids of their certificates. */
const keysNamed = (...names: readonly string[]): readonly VerificationKey[] =>
  names.map((name) => {
    const { spki, keyId } = vectorKey(name);
    return verificationKey(createPublicKey({ key: spki, format: "der", type: "spki" }), keyId);
  });
const ALL = keysNamed(...KEYS.map(({ name }) => name));
const ringOf = (keys: readonly VerificationKey[], revoked: readonly string[] = []): Keyring =>
  createKeyring(keys, new Set(revoked), new SignatureChecks(verifyVectorEcdsa));
const all = ringOf(ALL);

const good = SIGNATURES.filter(({ name }) => !/sha1|portable/.test(name));

describe("a signature", () => {
  it.each(good)("$name is valid", ({ xattr, digest }) => {
    expect(all.judge(xattr, digest)).toBe("valid");
  });

  it.each(good)(
    "$name is not over another file, or the same digest's bytes of another algorithm",
    ({ xattr, digest: { algorithm, value } }) => {
      const other = Buffer.from(value);
      other[0] = Number(other[0]) ^ 1;
      expect(all.judge(xattr, { algorithm, value: other })).toBe("invalid");
      for (const named of ["sha256", "sha384", "sha512", "verity:sha256", "verity:sha512", "md5"]) {
        if (named !== algorithm) {
          expect(all.judge(xattr, { algorithm: named, value })).toBe("invalid");
        }
      }
      expect(all.judge(xattr, { algorithm, value: value.subarray(1) })).toBe("invalid");
    },
  );

  it.each(good)("$name needs its key", ({ key, xattr, digest }) => {
    const others = KEYS.map(({ name }) => name).filter((name) => name !== key);
    expect(ringOf(keysNamed(...others)).judge(xattr, digest)).toBe("unknown-key");
    expect(ringOf([]).judge(xattr, digest)).toBe("unknown-key");
  });

  it.each(SIGNATURES.filter(({ name }) => /sha1/.test(name)))(
    "$name proves nothing",
    ({ xattr, digest }) => {
      expect(all.judge(xattr, digest)).toBe("invalid");
    },
  );

  it.each(SIGNATURES.filter(({ name }) => /portable/.test(name)))(
    "$name is over the attributes, not over the content",
    ({ xattr, digest }) => {
      expect(all.judge(xattr, digest)).toBe("invalid");
    },
  );

  it("of an fs-verity digest is not one of a file, and the other way round", () => {
    const { xattr, digest } = vectorSignature("verity-rsa-2048-sha256");
    expect(all.judge(xattr, { ...digest, algorithm: "sha256" })).toBe("invalid");
    const file = vectorSignature("v3-rsa-2048-sha256");
    expect(all.judge(file.xattr, { ...file.digest, algorithm: "verity:sha256" })).toBe("invalid");
    const relabelled = Buffer.from(file.xattr);
    relabelled[0] = 6;
    expect(all.judge(relabelled, { ...file.digest, algorithm: "verity:sha256" })).toBe("invalid");
  });

  it("of version 2 is not one of version 3, and the other way round", () => {
    for (const name of [
      "v2-rsa-sha256",
      "v3-rsa-2048-sha256",
      "v2-p256-sha256",
      "v3-p256-sha256",
    ]) {
      const { xattr, digest } = vectorSignature(name);
      const relabelled = Buffer.from(xattr);
      relabelled[1] = 5 - Number(xattr[1]);
      expect(all.judge(relabelled, digest)).toBe("invalid");
    }
  });

  it("that is no signature is invalid", () => {
    const { digest } = vectorSignature("v2-rsa-sha256");
    expect(all.judge(new Uint8Array(), digest)).toBe("invalid");
    expect(all.judge(Buffer.from("hello"), digest)).toBe("invalid");
  });

  it("cannot be of a key of the other type or size with the same id", () => {
    for (const name of ["v1-rsa-sha256", "v2-rsa-sha256", "v2-p256-sha256", "v3-p256-sha256"]) {
      const { key, xattr, digest } = vectorSignature(name);
      const id = name.startsWith("v1")
        ? (keysNamed(key)[0] as { version1Id: string }).version1Id
        : vectorKey(key).keyId;
      const strangers = ALL.filter(
        ({ fingerprint }) => fingerprint !== keysNamed(key)[0]?.fingerprint,
      ).map((stranger) => ({ ...stranger, id }));
      expect(ringOf(strangers).judge(xattr, digest)).toBe("invalid");
    }
  });
});

describe("keys with the same id", () => {
  it("are all tried", () => {
    const { xattr, digest } = vectorSignature("v2-rsa-sha256");
    const [signer] = keysNamed("rsa-2048");
    const strangers = keysNamed("rsa-4096", "p256", "rsa-other").map((key) => ({
      ...key,
      id: vectorKey("rsa-2048").keyId,
    }));
    if (signer === undefined) throw new Error("no key");
    expect(ringOf([...strangers, signer]).judge(xattr, digest)).toBe("valid");
    expect(ringOf([signer, ...strangers]).judge(xattr, digest)).toBe("valid");
  });
});

describe("a revoked key", () => {
  const { xattr, digest } = vectorSignature("v2-rsa-sha256");
  const { spki, keyId } = vectorKey("rsa-2048");
  const fingerprint = hash("sha256", spki);

  it("is named by its fingerprint: what it signed counts no longer", () => {
    expect(ringOf(ALL, [fingerprint]).judge(xattr, digest)).toBe("revoked-key");
  });

  it("is not blamed for what it did not sign", () => {
    const other = { ...digest, value: Buffer.alloc(32, 1) };
    expect(ringOf(ALL, [fingerprint]).judge(xattr, other)).toBe("invalid");
  });

  it("is named by its id, also where the keyring does not have it", () => {
    expect(ringOf(ALL, [keyId]).judge(xattr, digest)).toBe("revoked-key");
    expect(ringOf([], [keyId]).judge(xattr, digest)).toBe("revoked-key");
  });

  it("revokes no other", () => {
    const other = vectorSignature("v2-rsa-other");
    expect(ringOf(ALL, [fingerprint, keyId]).judge(other.xattr, other.digest)).toBe("valid");
    expect(ringOf(ALL, ["00".repeat(32), "00000000"]).judge(xattr, digest)).toBe("valid");
  });

  it("signs in version 1 under another id", () => {
    const old = vectorSignature("v1-rsa-sha256");
    const id = old.xattr.toString("hex", 8, 16);
    expect(ringOf(ALL, [keyId]).judge(old.xattr, old.digest)).toBe("valid");
    expect(ringOf(ALL, [id]).judge(old.xattr, old.digest)).toBe("revoked-key");
    expect(ringOf(ALL, [fingerprint]).judge(old.xattr, old.digest)).toBe("revoked-key");
  });
});
