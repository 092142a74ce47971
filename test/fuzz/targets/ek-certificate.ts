// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, X509Certificate } from "node:crypto";
import { splitCertificates, trimCertificate } from "@nsattest/tpm";
import { certificateKey } from "../../../registrar/src/enrol/certificate-key.ts";
import { verifyEkCertificate } from "../../../registrar/src/enrol/ek-certificate.ts";
import type { Random } from "../engine/random.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateDer } from "../mutate/der.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { hex, readJson } from "./vectors.ts";

const NOW = new Date("2027-01-01T00:00:00Z");

/**
 * EK certificates: the length that is trimmed by, a chain of them, the key and the extensions that are read by hand, and
 * the whole check against a root.
 */
export function ekCertificate(root: string): FuzzTarget {
  const samples = readJson(root, "test/fuzz/seeds/ek-certificates.json") as Readonly<
    Record<"rsa" | "ec" | "oaep" | "root", string>
  >;
  const genuine = hex(samples.rsa);
  const key = createPublicKey(
    new X509Certificate(genuine).publicKey.export({ type: "spki", format: "pem" }),
  );
  const trust = { roots: [new X509Certificate(samples.root)], intermediates: [] };
  return {
    name: "ek-certificate",
    seeds: [
      genuine,
      hex(samples.ec),
      hex(samples.oaep),
      new Uint8Array([...genuine, ...new Uint8Array(64)]),
      new Uint8Array([...genuine, ...hex(samples.ec)]),
    ],
    mutators: [mutateDer, mutateDer, pad],
    inputMax: 8192,
    errors: ["TpmError", "RegistrarError"],
    run(input) {
      const trimmed = trimCertificate(input);
      promiseViewsWithin(trimmed, input);
      promise(trimCertificate(trimmed).length === trimmed.length, "trimmed twice is shorter");
      for (const certificate of splitCertificates(input)) promiseViewsWithin(certificate, input);
      // Whatever is sent beside the certificate, no other one passes by it.
      const shown = [
        { ekCertificate: input, ekChain: new Uint8Array(0) },
        { ekCertificate: input, ekChain: input },
        { ekCertificate: genuine, ekChain: input },
      ];
      const accepted = verifyEkCertificate(pick(shown, input), key, trust, NOW);
      promise(Buffer.compare(accepted, genuine) === 0, "a certificate that the root did not sign");
      certificateKey(new X509Certificate(accepted));
      return "verified";
    },
  };
}

function pick<T>(items: readonly T[], input: Uint8Array): T {
  return items[input.length % items.length] as T;
}

/** NV indices are larger than what is in them. */
function pad(input: Uint8Array, random: Random): Uint8Array {
  return new Uint8Array([
    ...input,
    ...new Uint8Array(random.below(64)).fill(random.pick([0, 0xff])),
  ]);
}
