// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createPublicKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseMeasurementList } from "../src/list/measurement-list.ts";
import { compileTemplate } from "../src/list/template.ts";
import { createKeyring } from "../src/signature/keyring.ts";
import { SignatureChecks } from "../src/signature/signature-checks.ts";
import { verificationKey } from "../src/signature/verification-key.ts";
import { TEMPLATE_NAMES } from "./ascii-form.ts";
import { vectorsOf } from "./kernel-vector.ts";
import { KEYS, vectorSignature, verifyVectorEcdsa } from "./signature-vectors.ts";

const TEMPLATES = TEMPLATE_NAMES.flatMap((name) => compileTemplate(name) ?? []);

const keyring = createKeyring(
  KEYS.map(({ spki, keyId }) =>
    verificationKey(createPublicKey({ key: spki, format: "der", type: "spki" }), keyId),
  ),
  new Set(),
  new SignatureChecks(verifyVectorEcdsa),
);

describe.each(vectorsOf("templates"))("signed files in the list of $name", ({ list, files }) => {
  const { entries } = parseMeasurementList(list, { templates: TEMPLATES });
  const signed = files.flatMap(({ name, owner, signature }) =>
    signature === undefined || owner === "evm-sig" ? [] : [{ name, signature }],
  );

  it("are there", () => {
    expect(signed.length).toBeGreaterThan(10);
  });

  it.each(signed)("$name", ({ name, signature }) => {
    const entry = entries.find(({ path }) => path === `/v/${name}`);
    const { xattr, digest: made } = vectorSignature(signature);
    const digest = entry?.digest ?? { algorithm: "", value: new Uint8Array() };
    expect(Buffer.from(entry?.signature ?? [])).toEqual(xattr);
    // A kernel that does not know the version, or has not the hash, logs the digest of its own choice beside it.
    const isOver = digest.algorithm === made.algorithm;
    if (isOver) expect(Buffer.from(digest.value)).toEqual(made.value);
    const isGood = isOver && !/sha1|^portable/.test(signature);
    expect(keyring.judge(xattr, digest)).toBe(isGood ? "valid" : "invalid");
  });
});
