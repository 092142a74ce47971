// SPDX-License-Identifier: Apache-2.0

import {
  AK_RSA_2048_TEMPLATE,
  assertAttestationKey,
  EK_RSA_2048_TEMPLATE,
  encodePublicArea,
  makeCredential,
  ObjectAttribute,
  parsePublicArea,
  publicAreaName,
  publicKeyOf,
  TpmError,
} from "@nsattest/tpm";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { withWords } from "../mutate/bytes.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { hex, readQuotes } from "./vectors.ts";

const WORDS = [
  "0001000b",
  "0023000b",
  "0023000c",
  "0008",
  "0010",
  "00060080 0043",
  "00060100 0043",
  "0014000b",
  "0016000b",
  "0018000b",
  "0018000c",
  "0018000d",
  "0800",
  "0c00",
  "1000",
  "0003",
  "0004",
  "0005",
  "00050072",
  "000300b2",
  "00010001",
].map((digits) => hex(digits.replace(" ", "")));

const EK = ObjectAttribute.fixedTPM | ObjectAttribute.restricted | ObjectAttribute.decrypt;

/** TPMT_PUBLIC: as bytes, as a key, as an attestation key and as an endorsement key. */
export function tpmPublic(root: string): FuzzTarget {
  const keys = readQuotes(root).map(({ akPublic }) => akPublic);
  const storage = keys.map((bytes) =>
    encodePublicArea({
      ...parsePublicArea(bytes),
      attributes: EK,
      symmetricBits: 128,
      scheme: null,
    }),
  );
  return {
    name: "tpm-public",
    seeds: [AK_RSA_2048_TEMPLATE, EK_RSA_2048_TEMPLATE, ...keys, ...storage],
    mutators: [sizedMutator({ width: 2, little: false }), withWords(WORDS)],
    inputMax: 4096,
    errors: ["TpmError"],
    run(input) {
      const area = parsePublicArea(input);
      promiseViewsWithin(area, input);
      const again = encodePublicArea(area);
      promise(Buffer.compare(again, input) === 0, "TPMT_PUBLIC has two forms");
      promise(publicAreaName(input).length > 2, "a name without a digest");
      const akName = new Uint8Array(34);
      const uses = [
        () => publicKeyOf(area),
        () => assertAttestationKey(area),
        () => makeCredential({ ekPublic: input, akName, credential: new Uint8Array(16) }),
      ];
      return `${area.type} ${area.nameAlg} ${uses.map(codeOf).join(" ")}`;
    },
  };
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return "ok";
  } catch (error) {
    if (error instanceof TpmError) return error.code;
    throw error;
  }
}
