// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from "node:util";
import { decodeEvent, EVENT_MAX, encodeEvent } from "@nsattest/protocol";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateCbor } from "../mutate/cbor.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { eventBytes } from "./samples.ts";

/** Events of the namespace log: the bytes are hashed, so each event has one form. */
export function event(): FuzzTarget {
  return {
    name: "event",
    seeds: eventBytes(),
    mutators: [mutateCbor],
    inputMax: EVENT_MAX + 1,
    errors: ["ProtocolError"],
    run(input) {
      const value = decodeEvent(input);
      promiseViewsWithin(value, input);
      const bytes = encodeEvent(value);
      promise(Buffer.compare(bytes, input) === 0, "an event is written otherwise than it was read");
      promise(isDeepStrictEqual(decodeEvent(bytes), value), "an event is read otherwise again");
      return value.kind;
    },
  };
}
