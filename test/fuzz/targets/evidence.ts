// SPDX-License-Identifier: Apache-2.0

import { EMPTY_LOG, extendAnchor, NsImaError, replayLog } from "@nsattest/ns-ima";
import {
  decodeEvent,
  decodeEvidence,
  type Evidence,
  encodeEvidence,
  ProtocolError,
} from "@nsattest/protocol";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateCbor } from "../mutate/cbor.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseOwnMemory, promiseViewsWithin } from "./owned-memory.ts";
import { sampleEvidence } from "./samples.ts";

/** The message with a quote, a list and a log in it, and the replay of that log. */
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
      return `${value.batches.length} batches ${logOf(value, input)}`;
    },
  };
}

/** Replays the log to the PCR that it leads to: then everything that it says is looked at. */
function logOf({ batches }: Evidence, input: Uint8Array): string {
  try {
    const quoted = batches.reduce((pcr, batch) => extendAnchor(pcr, batch), EMPTY_LOG.pcr);
    const { events, state } = replayLog(EMPTY_LOG, batches, decodeEvent, quoted);
    promiseOwnMemory(events, input);
    promise(state.batches === batches.length, "batches are lost");
    return `${events.length} events`;
  } catch (error) {
    if (error instanceof NsImaError || error instanceof ProtocolError) return error.code;
    throw error;
  }
}
