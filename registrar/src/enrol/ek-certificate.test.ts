// SPDX-License-Identifier: Apache-2.0

import { createPublicKey } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { makeRsaKey } from "../../test/fake-tpm.ts";
import { EK_USAGE, FakeVendors } from "../../test/fake-vendor.ts";
import { verifyEkCertificate } from "./ek-certificate.ts";
import type { EkTrust } from "./ek-trust.ts";

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const NOW = new Date("2026-01-02T03:04:05Z");
const DAY_MS = 86_400_000;
const vendors = new FakeVendors(NOW);
const root = vendors.root("Root");
const middle = vendors.intermediate(root, "Middle");
const ek = makeRsaKey();
const ekPublic = createPublicKey(ek);
const certificate = vendors.ekCertificate(middle, ek);
const trust: EkTrust = { roots: [root.x509], intermediates: [middle.x509] };

function day(offset: number): Date {
  return new Date(NOW.getTime() + offset * DAY_MS);
}

function check(
  bytes: Uint8Array,
  by: EkTrust = trust,
  now: Date = NOW,
  ekChain: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return verifyEkCertificate({ ekCertificate: bytes, ekChain }, ekPublic, by, now);
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
  return "none";
}

describe("an EK certificate", () => {
  it("passes through an intermediate, from a root, and without its padding", () => {
    expect(check(certificate)).toEqual(certificate);
    const padded = Buffer.concat([certificate, Buffer.alloc(300, 0xff)]);
    expect(check(padded)).toEqual(certificate);
    const direct = vendors.ekCertificate(root, ek);
    expect(check(direct, { roots: [root.x509], intermediates: [] })).toEqual(direct);
  });

  it("passes from an issuer that the operator trusts, though it is not self-signed", () => {
    check(certificate, { roots: [middle.x509], intermediates: [] });
  });

  it("is refused where no root is configured, however good it is", () => {
    expect(codeOf(() => check(certificate, { roots: [], intermediates: [middle.x509] }))).toBe(
      "EK_NO_ROOTS",
    );
  });

  it("is refused when nobody configured issued it", () => {
    const stranger = vendors.root("Stranger");
    const unknown = "EK_CERT_UNKNOWN_ISSUER";
    expect(codeOf(() => check(certificate, { ...trust, roots: [stranger.x509] }))).toBe(unknown);
    expect(codeOf(() => check(certificate, { ...trust, intermediates: [] }))).toBe(unknown);
    expect(codeOf(() => check(vendors.ekCertificate(stranger, ek)))).toBe(unknown);
  });

  it("is refused when the root is only among the intermediates", () => {
    const stranger = vendors.root("Stranger");
    const by = { roots: [stranger.x509], intermediates: [middle.x509, root.x509] };
    expect(codeOf(() => check(certificate, by))).toBe("EK_CERT_UNKNOWN_ISSUER");
  });

  it("is refused when it is self-signed", () => {
    const self = vendors.root("Root", {
      authority: false,
      usages: [EK_USAGE],
      publicKey: ekPublic,
    });
    const by = { ...trust, intermediates: [self.x509] };
    expect(codeOf(() => check(self.x509.raw))).toBe("EK_CERT_UNKNOWN_ISSUER");
    expect(codeOf(() => check(self.x509.raw, by))).toBe("EK_CERT_UNKNOWN_ISSUER");
  });

  it("is refused when an impostor has the issuer's name", () => {
    const impostor = vendors.root("Root");
    expect(codeOf(() => check(vendors.ekCertificate(impostor, ek)))).toBe("EK_CERT_UNKNOWN_ISSUER");
    const forged = Buffer.from(certificate);
    forged.writeUInt8(forged.readUInt8(forged.length - 1) ^ 1, forged.length - 1);
    expect(codeOf(() => check(forged))).toBe("EK_CERT_SIGNATURE");
  });

  it("is refused when its issuer is no authority", () => {
    const plain = vendors.intermediate(root, "Plain", { authority: false });
    const issued = vendors.ekCertificate(plain, ek);
    expect(codeOf(() => check(issued, { ...trust, intermediates: [plain.x509] }))).toBe(
      "EK_ISSUER_NOT_CA",
    );
    expect(codeOf(() => check(issued, { roots: [plain.x509], intermediates: [] }))).toBe(
      "EK_ISSUER_NOT_CA",
    );
  });

  it("is valid in its time only, to the second", () => {
    check(certificate, trust, day(-100));
    check(certificate, trust, day(100));
    const young = vendors.ekCertificate(middle, ek, { notBefore: day(-1), notAfter: day(1) });
    check(young, trust, day(1));
    expect(codeOf(() => check(young, trust, new Date(day(1).getTime() + 1)))).toBe(
      "EK_CERT_EXPIRED",
    );
    expect(codeOf(() => check(young, trust, new Date(day(-1).getTime() - 1)))).toBe(
      "EK_CERT_NOT_YET_VALID",
    );
  });

  it("is refused when an issuer is out of its time", () => {
    const old = vendors.intermediate(root, "Old", { notAfter: day(-1) });
    const fresh = vendors.intermediate(root, "Fresh", { notBefore: day(1) });
    const by = { ...trust, intermediates: [old.x509, fresh.x509] };
    expect(codeOf(() => check(vendors.ekCertificate(old, ek), by))).toBe("EK_ISSUER_EXPIRED");
    expect(codeOf(() => check(vendors.ekCertificate(fresh, ek), by))).toBe(
      "EK_ISSUER_NOT_YET_VALID",
    );
    const oldRoot = vendors.root("Old root", { notAfter: day(-1) });
    const issued = vendors.ekCertificate(oldRoot, ek);
    expect(codeOf(() => check(issued, { roots: [oldRoot.x509], intermediates: [] }))).toBe(
      "EK_ISSUER_EXPIRED",
    );
  });

  it("passes when one of two issuers of the same name is good", () => {
    const bad = vendors.intermediate(root, "Middle", { notAfter: day(-1) });
    check(certificate, { ...trust, intermediates: [bad.x509, middle.x509] });
  });

  it.each([
    ["for a server", { usages: ["serverAuth"] }],
    ["for nothing in particular", { usages: [] }],
    ["of an authority", { authority: true, keyUsages: ["keyCertSign", "keyEncipherment"] }],
    ["for signing", { keyUsages: ["digitalSignature"] }],
    ["that does not say what its key does", { keyUsages: [] }],
  ])("is refused when it is one %s", (_, changes) => {
    expect(codeOf(() => check(vendors.ekCertificate(middle, ek, changes)))).toBe("EK_CERT_USAGE");
  });

  it("is refused with a critical extension that nobody knows, its own or an issuer's", () => {
    const critical = ["1.2.3.4"];
    const code = "EK_CERT_EXTENSION";
    expect(codeOf(() => check(vendors.ekCertificate(middle, ek, { critical })))).toBe(code);
    const strange = vendors.intermediate(root, "Strange", { critical });
    const by = { ...trust, intermediates: [strange.x509] };
    expect(codeOf(() => check(vendors.ekCertificate(strange, ek), by))).toBe(code);
  });

  it("is refused when its issuer has more authorities below it than it may have", () => {
    const strict = vendors.root("Strict", { pathLength: 0 });
    const below = vendors.intermediate(strict, "Below");
    const by = { roots: [strict.x509], intermediates: [below.x509] };
    expect(codeOf(() => check(vendors.ekCertificate(below, ek), by))).toBe("EK_ISSUER_PATH_LENGTH");
    check(vendors.ekCertificate(strict, ek), by);
    const lenient = vendors.root("Lenient", { pathLength: 1 });
    const one = vendors.intermediate(lenient, "One", { pathLength: 0 });
    const chain = { roots: [lenient.x509], intermediates: [one.x509] };
    check(vendors.ekCertificate(one, ek), chain);
  });

  it("passes through an intermediate that the TPM brings along, as far as a root vouches for it", () => {
    const roots = { roots: [root.x509], intermediates: [] };
    const sent = Buffer.concat([middle.x509.raw, Buffer.alloc(9, 0xff)]);
    check(certificate, roots, NOW, sent);
    const stranger = vendors.root("Root");
    const forged = vendors.intermediate(stranger, "Middle");
    const issued = vendors.ekCertificate(forged, ek);
    const refused = codeOf(() => check(issued, roots, NOW, forged.x509.raw));
    expect(refused).toBe("EK_CERT_UNKNOWN_ISSUER");
    const itself = Buffer.concat([forged.x509.raw, stranger.x509.raw]);
    expect(codeOf(() => check(issued, roots, NOW, itself))).toBe("EK_CERT_UNKNOWN_ISSUER");
  });

  it("is refused with more than eight certificates beside it, or with what is none", () => {
    const many = (count: number): Buffer => Buffer.concat(Array(count).fill(middle.x509.raw));
    check(certificate, trust, NOW, many(8));
    expect(codeOf(() => check(certificate, trust, NOW, many(9)))).toBe("EK_CHAIN_TOO_LONG");
    const garbage = Buffer.from("3000", "hex");
    expect(codeOf(() => check(certificate, trust, NOW, garbage))).toBe("EK_CERT_MALFORMED");
  });

  it("is refused for another key", () => {
    expect(codeOf(() => check(vendors.ekCertificate(middle, makeRsaKey())))).toBe(
      "EK_CERT_KEY_MISMATCH",
    );
  });

  it.each([
    ["empty", ""],
    ["no DER", "00"],
    ["an empty sequence", "3000"],
    ["longer than it is", "3082ffff00"],
  ])("is refused when it is %s", (_, hex) => {
    expect(codeOf(() => check(Buffer.from(hex, "hex")))).toBe("EK_CERT_MALFORMED");
  });

  it("is refused when its chain is too long, or goes round", () => {
    // One key for all, for keys take long to make.
    const chain = [vendors.root("0", {}, root.key)];
    for (let depth = 1; depth <= 6; depth += 1) {
      const issuer = chain.at(-1);
      if (issuer) chain.push(vendors.intermediate(issuer, `${depth}`, {}, root.key));
    }
    const by = {
      roots: chain.slice(0, 1).map(({ x509 }) => x509),
      intermediates: chain.slice(1).map(({ x509 }) => x509),
    };
    const [, , , , , allowed, tooDeep] = chain;
    if (!allowed || !tooDeep) throw new Error("the chain is too short for this test");
    check(vendors.ekCertificate(allowed, ek), by);
    expect(codeOf(() => check(vendors.ekCertificate(tooDeep, ek), by))).toBe("EK_CHAIN_TOO_LONG");
  });

  it("costs a bounded number of looks when many certificates have one name", () => {
    const loop = vendors.root("Loop", {}, root.key);
    const copies = [1, 2, 3].map(() => vendors.intermediate(loop, "Loop", {}, root.key));
    const many = Array.from({ length: 40 }, () => [loop, ...copies]).flat();
    const by = { roots: [root.x509], intermediates: many.map(({ x509 }) => x509) };
    expect(codeOf(() => check(vendors.ekCertificate(loop, ek), by))).toBe("EK_CHAIN_TOO_LONG");
  });
});
