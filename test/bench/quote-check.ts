// SPDX-License-Identifier: Apache-2.0

import { constants, createPublicKey, verify } from "node:crypto";
import {
  type PcrSelection,
  parseSignature,
  rememberAttestationKeys,
  verifyQuote,
} from "@nsattest/tpm";
import { FakeTpm } from "../fakes/fake-tpm.ts";
import { AK } from "./appraisal.ts";
import { counted } from "./bench-node.ts";
import { alternate, nanoseconds } from "./measure.ts";
import type { Benchmark } from "./result.ts";

const TIMES = 500;
const SELECTION: PcrSelection = [{ bank: "sha256", pcrs: [10, 13] }];

/** A quote's whole check: key, structure, nonce, selection, PCR values, signature. */
export const quoteCheck: Benchmark = {
  name: "quote-check",
  says: "the whole check of a quote against the bare RSA signature of it",
  async run(note) {
    const nonce = counted(7, 32);
    const keyOf = rememberAttestationKeys(1);
    const quote = new FakeTpm(AK).quote(nonce, SELECTION);
    const [bare = 0, whole = 0] = await alternate([
      bareSignature(quote),
      {
        name: "whole",
        run: () =>
          nanoseconds(() => {
            for (let n = 0; n < TIMES; n++) {
              verifyQuote({ akPublic: AK.akPublic, ...quote, nonce, selection: SELECTION }, keyOf);
            }
          }),
      },
    ]);
    note(`signature ${micros(bare)} us, whole check ${micros(whole)} us`);
    return [
      {
        name: "quote-check",
        ratio: whole / bare,
        target: 1.5,
        direction: "max",
        fractionOfLimit: bare / whole,
      },
    ];
  },
};

/** The signature alone, with a key object that is ready: `TIMES` of them. */
function bareSignature({ attest, signature }: ReturnType<FakeTpm["quote"]>) {
  const parsed = parseSignature(signature);
  const key = createPublicKey(AK.key);
  const rsa = { key, padding: constants.RSA_PKCS1_PADDING };
  const value = "value" in parsed ? parsed.value : new Uint8Array();
  return {
    name: "signature",
    run: () =>
      nanoseconds(() => {
        for (let n = 0; n < TIMES; n++) {
          if (!verify("sha256", attest, rsa, value)) throw new Error("the signature is not good");
        }
      }),
  };
}

function micros(total: number): string {
  return (total / TIMES / 1000).toFixed(1);
}
