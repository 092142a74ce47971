// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from "node:util";
import { type CborValue, decodeCbor, encodeCbor } from "../../../protocol/src/cbor.ts";
import type { Random } from "../engine/random.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateCbor } from "../mutate/cbor.ts";
import { promiseViewsWithin } from "./owned-memory.ts";

const INPUT_MAX = 16 * 1024;
const TEXTS = ["", "v", "kind", "__proto__", "constructor", "\u00e9", "\ufeff", "a".repeat(30)];

/** CBOR itself: what is accepted is written again in the same bytes. */
export function cbor(): FuzzTarget {
  const values: readonly CborValue[] = [
    null,
    [
      true,
      false,
      0,
      23,
      24,
      255,
      256,
      65_535,
      65_536,
      0xffff_ffff,
      2 ** 32,
      Number.MAX_SAFE_INTEGER,
    ],
    new Map<string, CborValue>([
      ["v", 1],
      ["list", new Uint8Array(30)],
      ["rows", [[new Uint8Array(2), "text"], []]],
    ]),
    ["\u00e9\ud83d\ude00", "", "a".repeat(300), new Uint8Array(300)],
    [[[[[[[[]]]]]]]],
  ];
  return {
    name: "cbor",
    seeds: values.map((value) => encodeCbor(value)),
    mutators: [mutateCbor],
    generate: (random) => encodeCbor(anyValue(random, 0)),
    inputMax: INPUT_MAX,
    errors: ["ProtocolError"],
    run(input) {
      const value = decodeCbor(input, INPUT_MAX);
      promiseViewsWithin(value, input);
      const bytes = encodeCbor(value);
      promise(Buffer.compare(bytes, input) === 0, "CBOR is written otherwise than it was read");
      promise(
        isDeepStrictEqual(decodeCbor(bytes, INPUT_MAX), value),
        "CBOR is read otherwise again",
      );
      return typeof value;
    },
  };
}

function anyValue(random: Random, depth: number): CborValue {
  const items = (): CborValue[] =>
    Array.from({ length: random.below(5) }, () => anyValue(random, depth + 1));
  switch (random.below(depth > 8 ? 4 : 6)) {
    case 0:
      return Math.min(random.boundary(), Number.MAX_SAFE_INTEGER);
    case 1:
      return random.bytes(40);
    case 2:
      return random.pick(TEXTS);
    case 3:
      return random.pick([null, true, false]);
    case 4:
      return items();
    default:
      return new Map(items().map((item) => [random.pick(TEXTS), item]));
  }
}
