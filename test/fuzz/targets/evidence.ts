// SPDX-License-Identifier: Apache-2.0

import { decodeEvidence, encodeEvidence } from "@nsattest/protocol";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateCbor } from "../mutate/cbor.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { sampleEvidence } from "./samples.ts";

/** The message with a quote, a list and a log in it. */
export function evidence(): FuzzTarget {
  return {
    name: "evidence",
    seeds: sampleEvidence().map((each) => encodeEvidence(each)),
    mutators: [mutateCbor, sizedMutator({ width: 1, little: false }, { width: 2, little: false })],
    inputMax: 32 * 1024,
    errors: ["ProtocolError"],
    run(input) {
      const value = decodeEvidence(input);
      promiseViewsWithin(value, input);
      const bytes = encodeEvidence(value);
      promise(Buffer.compare(bytes, input) === 0, "evidence is written otherwise than it was read");
      return `${value.batches.length} batches`;
    },
  };
}
