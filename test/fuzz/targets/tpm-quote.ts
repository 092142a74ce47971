// SPDX-License-Identifier: Apache-2.0

import {
  encodeQuoteAttest,
  encodeSignature,
  parseQuoteAttest,
  parseSignature,
  type QuoteInput,
  TpmError,
  verifyQuote,
} from "@nsattest/tpm";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { withWords } from "../mutate/bytes.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseOwnMemory, promiseViewsWithin } from "./owned-memory.ts";
import { joinParts, partsOf } from "./parts.ts";
import { hex, readQuotes } from "./vectors.ts";

const WORDS = [
  "ff544347",
  "8018",
  "8017",
  "0014",
  "0016",
  "0018",
  "0004",
  "000b",
  "000c",
  "000d",
  "03000400",
];

/**
 * TPMS_ATTEST, TPMT_SIGNATURE and the quote that they make, captured from a TPM: nothing else may be accepted by its
 * key.
 */
export function tpmQuote(root: string): FuzzTarget {
  const vectors = readQuotes(root);
  return {
    name: "tpm-quote",
    seeds: vectors.map(({ attest, signature }, index) =>
      joinParts(Uint8Array.of(index), attest, signature),
    ),
    mutators: [
      sizedMutator({ width: 2, little: false }, { width: 4, little: false }),
      withWords(WORDS.map(hex)),
    ],
    inputMax: 4096,
    errors: ["TpmError"],
    run(input) {
      const [chosen = input, attest = input, signature = input] = partsOf(input, 3);
      const read = [readAttest(attest), readSignature(signature)].join(" ");
      const genuine = vectors[(chosen[0] ?? 0) % vectors.length] as QuoteInput;
      try {
        const quote = verifyQuote({ ...genuine, attest, signature });
        promise(Buffer.compare(attest, genuine.attest) === 0, "a quote that no TPM signed");
        promiseOwnMemory(quote, input);
        return `${read} verified`;
      } catch (error) {
        if (error instanceof TpmError) return `${read} ${error.code}`;
        throw error;
      }
    },
  };
}

function readAttest(bytes: Uint8Array): string {
  return codeOf(() => {
    const attest = parseQuoteAttest(bytes);
    promiseViewsWithin(attest, bytes);
    const again = encodeQuoteAttest(attest);
    promise(Buffer.compare(again, bytes) === 0, "TPMS_ATTEST has two forms");
    return `${attest.selection.length} banks`;
  });
}

function readSignature(bytes: Uint8Array): string {
  return codeOf(() => {
    const signature = parseSignature(bytes);
    promiseViewsWithin(signature, bytes);
    const again = encodeSignature(signature);
    promise(Buffer.compare(again, bytes) === 0, "TPMT_SIGNATURE has two forms");
    return `${signature.scheme} ${signature.hash}`;
  });
}

function codeOf(act: () => string): string {
  try {
    return act();
  } catch (error) {
    if (error instanceof TpmError) return error.code;
    throw error;
  }
}
