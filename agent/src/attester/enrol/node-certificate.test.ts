// SPDX-License-Identifier: Apache-2.0

import type { KeyObject } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { signCertificate } from "../../../../registrar/src/ca/certificate.ts";
import { makeRsaKey } from "../../../../registrar/test/fake-tpm.ts";
import { FakeVendors } from "../../../../registrar/test/fake-vendor.ts";
import { readNodeCertificate } from "./node-certificate.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const NODE_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const NOT_BEFORE = new Date("2026-01-01T00:00:00Z");
const NOT_AFTER = new Date("2026-04-01T00:00:00Z");
const vendors = new FakeVendors(NOT_BEFORE);
const [ours, theirs] = [vendors.root("CA"), vendors.root("CA")];
const key = makeRsaKey();
const expected = { nodeId: NODE_ID, key, ca: ours.certificate };

function issue(uris: readonly string[], publicKey: KeyObject = key, issuer = ours): string {
  const content = {
    notBefore: NOT_BEFORE,
    notAfter: NOT_AFTER,
    commonName: NODE_ID,
    publicKey,
    authority: false,
    usages: ["clientAuth"],
    uris,
    hosts: [],
  };
  return signCertificate(content, issuer);
}

const good = issue([`nsattest:node:${NODE_ID}`]);

describe("a node's certificate", () => {
  it("is taken when all fits, from one of several authorities", () => {
    const read = { pem: good, validFrom: NOT_BEFORE, validTo: NOT_AFTER };
    expect(readNodeCertificate(good, expected)).toEqual(read);
    const ca = `${theirs.certificate}\n${ours.certificate}`;
    expect(readNodeCertificate(good, { ...expected, ca })).toEqual(read);
  });

  it.each([
    ["another node", issue(["nsattest:node:11111111-2222-4333-8444-555555555555"])],
    ["the operator", issue(["nsattest:operator"])],
    ["two roles", issue([`nsattest:node:${NODE_ID}`, "nsattest:verifier"])],
    ["nobody", issue([])],
    ["another key", issue([`nsattest:node:${NODE_ID}`], makeRsaKey())],
    ["us by another authority", issue([`nsattest:node:${NODE_ID}`], key, theirs)],
    ["us by itself", issue([`nsattest:node:${NODE_ID}`], key, { ...ours, key })],
  ])("is refused when it is for %s", (_, pem) => {
    expect(readNodeCertificate(pem, expected)).toBeNull();
  });

  it.each(["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])(
    "is refused when it is %j",
    (pem) => {
      expect(readNodeCertificate(pem, expected)).toBeNull();
      expect(readNodeCertificate(good, { ...expected, ca: pem })).toBeNull();
    },
  );
});
