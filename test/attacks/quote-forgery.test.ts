// SPDX-License-Identifier: Apache-2.0

import { HOST } from "@nsattest/ns-ima";
import type { Challenge, Evidence } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, it } from "vitest";
import { entryOf, type FakeNode, flipBit } from "../fakes/fake-node.ts";
import { FakeTpm } from "../fakes/fake-tpm.ts";
import { expectRefused, VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

const ROOTKIT = { path: "/usr/bin/rootkit", content: "rootkit" };
/** Where a quote has the byte that says whether its clock is safe. */
const SAFE_AT = 92;

/** The honest evidence with other bytes quoted, signed by the node's own key. */
async function expectSignedRefused(
  change: (attest: Uint8Array) => Uint8Array,
  code: string,
): Promise<void> {
  const node = bench.newNode();
  const answer = await bench.attest(node, (evidence) => {
    const attest = change(new Uint8Array(evidence.attest));
    return { ...evidence, attest, signature: node.tpm.sign(attest) };
  });
  expectRefused(answer, code);
}

/** The honest evidence with another signature. */
async function expectSignatureRefused(
  change: (signature: Uint8Array, node: FakeNode, evidence: Evidence) => Uint8Array,
  code: string,
): Promise<void> {
  const node = bench.newNode();
  const answer = await bench.attest(node, (evidence) => ({
    ...evidence,
    signature: change(new Uint8Array(evidence.signature), node, evidence),
  }));
  expectRefused(answer, code);
}

/** A node with a rootkit in its list, and the list and log that its owner would rather show. */
function dirtyNode(): { node: FakeNode; list: readonly Uint8Array[] } {
  const node = bench.newNode();
  const list = [...node.list];
  node.measure(ROOTKIT);
  return { node, list };
}

/** Extends PCRs `listPcr` and `logPcr` of a TPM with what the owner shows. */
function extendWith(
  tpm: FakeTpm,
  node: FakeNode,
  list: readonly Uint8Array[],
  [listPcr, logPcr]: readonly [number, number],
): void {
  const log = new Uint8Array(node.tpm.pcr(13));
  for (const record of list) {
    const { listDigest: sha1, templateDigest: sha256 } = entryOf(record);
    tpm.extend(listPcr, { sha1, sha256 });
  }
  tpm.set(logPcr, log);
}

describe("a quote is one of the right thing", () => {
  attack(
    "quote-selection",
    "refuses PCRs that anybody may reset, extended with a list without the rootkit",
    "root on the node resets PCR 16 and 23, extends them with a clean list, and calls them 10 and 13",
    async () => {
      const { node, list } = dirtyNode();
      extendWith(node.tpm, node, list, [16, 23]);
      const answer = await bench.attest(node, (evidence, { nonce }: Challenge) => {
        const quote = node.tpm.quote(nonce, [{ bank: "sha256", pcrs: [16, 23] }]);
        const pcrs = quote.pcrs.map((pcr) => ({ ...pcr, index: pcr.index === 16 ? 10 : 13 }));
        return { ...evidence, ...quote, pcrs, list: Buffer.concat(list) };
      });
      expectRefused(answer, "QUOTE_SELECTION");
    },
  );

  attack(
    "quote-pcr-digest",
    "refuses the values that a list without the rootkit leads to",
    "the node sends a clean list, and beside the quote the PCR value that belongs to it",
    async () => {
      const { node, list } = dirtyNode();
      const dream = new FakeTpm(node.tpm.ak);
      extendWith(dream, node, list, [10, 13]);
      const answer = await bench.attest(node, (evidence, { nonce }) => ({
        ...evidence,
        pcrs: dream.quote(nonce, [{ bank: "sha256", pcrs: [10, 13] }]).pcrs,
        list: Buffer.concat(list),
      }));
      expectRefused(answer, "QUOTE_PCR_DIGEST");
    },
  );

  attack(
    "quote-pcr-extra",
    "refuses two values for one PCR",
    "one reader takes the first value and another one the last, and each is shown what it wants to see",
    async () => {
      const node = bench.newNode();
      const answer = await bench.attest(node, (evidence) => {
        const other = evidence.pcrs.map((pcr) => ({ ...pcr, value: flipBit(pcr.value, 0) }));
        return { ...evidence, pcrs: [...other, ...evidence.pcrs] };
      });
      expectRefused(answer, "PCR_VALUES");
    },
  );

  // Two checks stand for this: each PCR has a value, and there are as many values as PCRs.
  it("refuses a quote without the value of a PCR that counts", async () => {
    const node = bench.newNode();
    const answer = await bench.attest(node, (evidence) => ({
      ...evidence,
      pcrs: evidence.pcrs.filter(({ index }) => index !== 10),
    }));
    expectRefused(answer, "PCR_VALUES");
  });

  attack(
    "quote-magic",
    "refuses what the key signed of somebody else's making",
    "whatever the key can be made to sign is a quote, with any PCR values in it",
    () => expectSignedRefused((attest) => flipBit(attest, 0), "ATTEST_MAGIC"),
  );

  attack(
    "quote-type",
    "refuses another attestation than a quote",
    "a certification or an audit digest, whose fields the caller chooses, is read as a quote",
    () => expectSignedRefused((attest) => flipBit(attest, 5), "ATTEST_TYPE"),
  );

  attack(
    "quote-end",
    "refuses a quote with bytes behind it",
    "a longer structure of another type begins like a quote and is taken for one",
    () =>
      expectSignedRefused((attest) => Buffer.concat([attest, Buffer.alloc(1)]), "BYTES_TRAILING"),
  );

  attack(
    "quote-yes-or-no",
    "refuses a flag that is neither yes nor no",
    "two different quotes mean the same, and what compares them by their bytes is fooled",
    () => {
      const change = (attest: Uint8Array): Uint8Array => {
        attest.set([2], SAFE_AT);
        return attest;
      };
      return expectSignedRefused(change, "BYTES_RANGE");
    },
  );
});

describe("a signature is checked as the key says", () => {
  attack(
    "quote-signature-scheme",
    "refuses a signature over a SHA-1 by a key of SHA-256",
    "who finds two quotes with one SHA-1 has the signature of both",
    () =>
      expectSignatureRefused(
        (_, node, { attest }) => node.tpm.sign(attest, "sha1"),
        "QUOTE_SIGNATURE",
      ),
  );

  attack(
    "hash-unknown",
    "refuses a signature that names a hash which is none here",
    "a hash that nobody has looked at stands for SHA-256",
    () => {
      const change = (signature: Uint8Array): Uint8Array => {
        signature.set([0x00, 0x12], 2);
        return signature;
      };
      return expectSignatureRefused(change, "HASH_UNKNOWN");
    },
  );

  attack(
    "quote-signature-form",
    "refuses a signature in a scheme that is none here",
    "the sender chooses how its signature is checked, an HMAC with a key that everybody knows among the ways",
    () => {
      const change = (signature: Uint8Array): Uint8Array => {
        signature.set([0x00, 0x05], 0);
        return signature;
      };
      return expectSignatureRefused(change, "SIGNATURE_MALFORMED");
    },
  );

  attack(
    "quote-signature",
    "refuses a signature that the node gave to another quote",
    "one quote is good for all, so the first one is the last that a TPM is needed for",
    async () => {
      const node = bench.newNode();
      const old = node.evidence(await bench.challenge(node));
      node.run(HOST, ROOTKIT);
      expectRefused(
        await bench.attest(node, (evidence) => ({ ...evidence, signature: old.signature })),
        "QUOTE_SIGNATURE",
      );
    },
  );
});
