// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { FakeNode } from "../../registrar/test/fake-node.ts";
import { makeFakeTpm, makeRsaKey } from "../../registrar/test/fake-tpm.ts";
import { RegistrarBench } from "../fakes/registrar-bench.ts";
import { attack } from "./attack.ts";

let bench: RegistrarBench;
beforeAll(async () => {
  bench = await RegistrarBench.start();
});
afterAll(() => bench.stop());

const tpm = makeFakeTpm();
const otherTpm = makeFakeTpm();
const usualKey = makeRsaKey();

async function expectStartRefused(
  change: Parameters<RegistrarBench["start"]>[1],
  code: string,
): Promise<void> {
  const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey);
  const node = new FakeNode(randomUUID(), tpm, ekCertificate, usualKey);
  expect(await bench.start(node, change)).toMatchObject({ status: 403, code });
}

describe("a node's TPM is one of a vendor's that is trusted", () => {
  attack(
    "enrol-roots",
    "enrols nobody where no root is configured",
    "a registrar whose roots were not delivered takes every program for a TPM",
    async () => {
      const rootless = await RegistrarBench.start(() => []);
      try {
        const node = new FakeNode(
          randomUUID(),
          tpm,
          rootless.vendors.ekCertificate(rootless.root, tpm.ekKey),
        );
        expect(await rootless.start(node)).toMatchObject({ status: 403, code: "EK_NO_ROOTS" });
      } finally {
        await rootless.stop();
      }
    },
  );

  attack(
    "enrol-issuer",
    "refuses an EK that nobody configured vouches for",
    "whoever makes a root of his own makes TPMs, in software",
    () => {
      const stranger = bench.vendors.root("Stranger");
      const ekCertificate = bench.vendors.ekCertificate(stranger, tpm.ekKey);
      return expectStartRefused({ ekCertificate }, "EK_CERT_UNKNOWN_ISSUER");
    },
  );

  attack(
    "enrol-issuer-signature",
    "refuses an EK certificate of an impostor with the vendor's name",
    "the vendor's name is all that it takes to be one",
    () => {
      // The vendor's own certificate, and a key of the impostor's.
      const impostor = { ...bench.root, key: makeRsaKey() };
      const ekCertificate = bench.vendors.ekCertificate(impostor, tpm.ekKey);
      return expectStartRefused({ ekCertificate }, "EK_CERT_SIGNATURE");
    },
  );

  attack(
    "enrol-ek-usage",
    "refuses a certificate of the vendor's that is not one of an EK",
    "the key of a web server that the vendor has certified opens the secret, outside of any TPM",
    async () => {
      for (const usages of [["serverAuth"], []]) {
        const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { usages });
        await expectStartRefused({ ekCertificate }, "EK_CERT_USAGE");
      }
    },
  );

  attack(
    "enrol-ek-key-usage",
    "refuses a certificate whose key is for signing, or for nothing that it says",
    "a key that its vendor has certified for something else opens the secret",
    async () => {
      for (const keyUsages of [["digitalSignature"], ["keyAgreement"], []]) {
        const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { keyUsages });
        await expectStartRefused({ ekCertificate }, "EK_CERT_USAGE");
      }
    },
  );

  attack(
    "enrol-critical",
    "refuses an EK certificate with a critical extension that is not understood",
    "what the vendor has said of the key, such as where it may not be used, is passed over",
    () => {
      const critical = ["1.2.3.4"];
      const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { critical });
      return expectStartRefused({ ekCertificate }, "EK_CERT_EXTENSION");
    },
  );

  attack(
    "enrol-issuer-critical",
    "refuses an authority with a critical extension that is not understood",
    "an authority that is limited to names of its own certifies TPMs of any maker",
    () => {
      const limited = bench.vendors.intermediate(bench.root, "Limited", {
        critical: ["1.2.3.4"],
      });
      const ekCertificate = bench.vendors.ekCertificate(limited, tpm.ekKey);
      return expectStartRefused({ ekCertificate, ekChain: limited.x509.raw }, "EK_CERT_EXTENSION");
    },
  );

  attack(
    "enrol-path-length",
    "refuses an authority below one that may have none",
    "whoever has an authority of the vendor's for one purpose makes authorities for TPMs",
    () => {
      const last = bench.vendors.intermediate(bench.root, "Last", { pathLength: 0 });
      const below = bench.vendors.intermediate(last, "Below");
      const ekCertificate = bench.vendors.ekCertificate(below, tpm.ekKey);
      const ekChain = Buffer.concat([last.x509.raw, below.x509.raw]);
      return expectStartRefused({ ekCertificate, ekChain }, "EK_ISSUER_PATH_LENGTH");
    },
  );

  attack(
    "enrol-issuer",
    "takes no root from the node",
    "the node brings its own vendor along",
    () => {
      const stranger = bench.vendors.root("Stranger");
      const ekCertificate = bench.vendors.ekCertificate(stranger, tpm.ekKey);
      const ekChain = stranger.x509.raw;
      return expectStartRefused({ ekCertificate, ekChain }, "EK_CERT_UNKNOWN_ISSUER");
    },
  );

  attack(
    "enrol-ek-expired",
    "refuses an EK certificate that is no longer valid",
    "a TPM that the vendor vouches for no longer, for its keys are known, enrols all the same",
    () => {
      const notAfter = new Date(bench.now.getTime() - 1000);
      const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { notAfter });
      return expectStartRefused({ ekCertificate }, "EK_CERT_EXPIRED");
    },
  );

  attack(
    "enrol-issuer-expired",
    "refuses an EK whose vendor's own certificate is no longer valid",
    "a vendor's old key, once it is broken, makes TPMs for ever",
    async () => {
      const then = bench.now;
      bench.now = new Date(then.getTime() + 200 * 86_400_000);
      const notAfter = new Date(bench.now.getTime() + 86_400_000);
      const ekCertificate = bench.vendors.ekCertificate(bench.root, tpm.ekKey, { notAfter });
      await expectStartRefused({ ekCertificate }, "EK_ISSUER_EXPIRED");
      bench.now = then;
    },
  );

  attack(
    "enrol-ek-key",
    "refuses the EK certificate of another TPM",
    "EK certificates are no secrets: anybody shows one, with a key of his own beside it",
    () => {
      const ekCertificate = bench.vendors.ekCertificate(bench.root, otherTpm.ekKey);
      return expectStartRefused({ ekCertificate }, "EK_CERT_KEY_MISMATCH");
    },
  );
});
