// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { signCertificate } from "./certificate.ts";
import { issueNodeCertificate } from "./node-certificate.ts";
import { validityFrom } from "./validity.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const NOW = new Date("2026-01-02T03:04:05Z");
const NODE_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const caKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const ca = {
  key: caKey,
  certificate: signCertificate(
    {
      ...validityFrom(NOW, 2400),
      commonName: "CA",
      publicKey: caKey,
      authority: true,
      usages: [],
      uris: [],
      hosts: [],
    },
    caKey,
  ),
};
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;

function spki(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

function issue(bytes: Uint8Array, hours = 240): X509Certificate {
  return new X509Certificate(
    issueNodeCertificate(ca, { nodeId: NODE_ID, spki: bytes, now: NOW, hours }),
  );
}

describe("a node's certificate", () => {
  it("names the node, for its key, for clients only", () => {
    const certificate = issue(spki(key));
    expect(certificate.subjectAltName).toBe(`URI:nsattest:node:${NODE_ID}`);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(certificate.ca).toBe(false);
    expect(certificate.publicKey.equals(key)).toBe(true);
    expect(certificate.verify(createPublicKey(caKey))).toBe(true);
    expect(certificate.checkIssued(new X509Certificate(ca.certificate))).toBe(true);
    expect(new Date(certificate.validTo)).toEqual(new Date("2026-01-12T03:04:05Z"));
  });

  it("has a serial number of its own", () => {
    const serials = [1, 2, 3].map(() => issue(spki(key)).serialNumber);
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  it("does not outlive the authority", () => {
    expect(new Date(issue(spki(key), 24_000).validTo)).toEqual(new Date("2026-04-12T03:04:05Z"));
  });

  it.each([
    ["an EC key", spki(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey)],
    ["a short key", spki(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey)],
    [
      "another exponent",
      spki(generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }).publicKey),
    ],
    ["a key and a byte more", Buffer.concat([spki(key), Buffer.alloc(1)])],
    ["half a key", spki(key).subarray(0, 100)],
    ["nothing", Buffer.alloc(0)],
  ])("is refused for %s", (_, bytes) => {
    expect(() => issue(bytes)).toThrow(expect.objectContaining({ code: "TLS_KEY_UNSUPPORTED" }));
  });
});
