// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NsImaError } from "../error.ts";
import { bytePathFromBytes } from "./byte-path.ts";
import { ContentCache } from "./content-cache.ts";
import { encodeEntry, type RecordFields } from "./encode-entry.ts";
import { listPins } from "./list-pins.ts";
import { type ExtendedForm, type ListPcrs, listStart } from "./list-position.ts";
import { parseMeasurementList } from "./measurement-list.ts";
import { recallListPcrs } from "./recall.ts";
import { initialListState, type ListState, replayList } from "./replay.ts";

const SIZES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const;
type Bank = keyof typeof SIZES;
const BANKS = Object.keys(SIZES) as Bank[];
const CUSTOM = "n-ng|d-ngv2|iuid|newer";
const TEMPLATES = [
  "ima",
  "ima-ng",
  "ima-sig",
  "ima-ngv2",
  "ima-sigv2",
  "ima-buf",
  "ima-modsig",
  "evm-sig",
  "d|n",
  CUSTOM,
];
const PCRS = [10, 11, 14];
const NOTHING = new Uint8Array();

const bytes = (minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });
const path = bytes(0, 40).map((raw) => bytePathFromBytes(raw.map((byte) => (byte % 255) + 1)));
const signature = fc.option(
  fc
    .tuple(fc.constantFrom(3, 5, 6), bytes(0, 60))
    .map(([type, rest]) => Uint8Array.of(type, ...rest)),
);
const named = fc.oneof(
  bytes(32).map((value) => ({ algorithm: "sha256", value })),
  bytes(1, 64).map((value) => ({ algorithm: "streebog512", value })),
);
const typed = fc.tuple(named, fc.boolean()).map(([{ algorithm, value }, verity]) => ({
  algorithm: verity ? `verity:${algorithm}` : algorithm,
  value,
}));
const bare = bytes(20).map((value) => ({ algorithm: "sha1", value }));
const empty = fc.constant(NOTHING);
const others = (...fields: [string, fc.Arbitrary<Uint8Array>][]) =>
  fc.tuple(...fields.map(([id, value]) => value.map((bytes) => ({ id, value: bytes }))));
const id32 = fc.oneof(empty, bytes(4));

const SHAPES: Readonly<Record<string, object>> = {
  ima: { digest: bare },
  "d|n": { digest: bare },
  "ima-ng": {},
  "ima-sig": { signature },
  "ima-ngv2": { digest: typed },
  "ima-sigv2": { digest: typed, signature },
  "ima-modsig": {
    signature,
    others: others(
      [
        "d-modsig",
        fc.oneof(
          empty,
          bytes(32)
            .map((value) => Buffer.concat([Buffer.from("sha256:\0"), value]))
            .map((value) => new Uint8Array(value)),
        ),
      ],
      ["modsig", bytes(0, 60)],
    ),
  },
  "evm-sig": {
    others: others(
      [
        "evmsig",
        fc.oneof(
          empty,
          bytes(0, 60).map((rest) => Uint8Array.of(5, ...rest)),
        ),
      ],
      [
        "xattrnames",
        fc.oneof(
          empty,
          bytes(0, 20).map((raw) => Uint8Array.of(...raw.map((byte) => byte || 1), 0)),
        ),
      ],
      ["xattrlengths", fc.oneof(empty, bytes(4), bytes(8))],
      ["xattrvalues", bytes(0, 60)],
      ["iuid", id32],
      ["igid", id32],
      ["imode", fc.oneof(empty, bytes(2))],
    ),
  },
  [CUSTOM]: { digest: typed, others: others(["iuid", id32], ["newer", bytes(0, 30)]) },
};

function record(template: string, shape: object): fc.Arbitrary<RecordFields> {
  return fc.record({
    pcr: fc.constantFrom(...PCRS),
    template: fc.constant(template),
    digest: named,
    path,
    signature: fc.constant(null),
    buffer: fc.constant(null),
    others: fc.constant([]),
    ...shape,
  }) as fc.Arbitrary<RecordFields>;
}

const buffer = fc.tuple(fc.constantFrom(...PCRS), path, bytes(1, 60)).map(
  ([pcr, path, buffer]): RecordFields => ({
    pcr,
    template: "ima-buf",
    digest: { algorithm: "sha384", value: hashOf("sha384", buffer) },
    path,
    signature: null,
    buffer,
    others: [],
  }),
);
const violation = fc.tuple(path, signature).map(
  ([path, signature]): RecordFields => ({
    pcr: 10,
    template: "ima-sig",
    digest: null,
    path,
    signature,
    buffer: null,
    others: [],
  }),
);
const entry = fc.oneof(
  ...Object.entries(SHAPES).map(([template, shape]) => record(template, shape)),
  buffer,
  violation,
);
const entries = fc.array(entry, { minLength: 1, maxLength: 6 });
const bank = fc.constantFrom(...BANKS);
const form = fc.constantFrom<ExtendedForm[]>("native", "padded-sha1");

function hashOf(algorithm: string, ...parts: Uint8Array[]): Uint8Array {
  const state = createHash(algorithm);
  for (const part of parts) state.update(part);
  return new Uint8Array(state.digest());
}

/** What the kernel hashes of a record, by its layout alone. */
function hashed(bytes: Uint8Array): Uint8Array {
  const list = Buffer.from(bytes);
  const nameEnd = 28 + list.readUInt32LE(24);
  if (list.subarray(28, nameEnd).toString("latin1") !== "ima") return list.subarray(nameEnd + 4);
  const padded = Buffer.alloc(276);
  list.copy(padded, 0, nameEnd, nameEnd + 20);
  list.copy(padded, 20, nameEnd + 24);
  return padded;
}

/** The PCRs as a TPM computes them: the values after 0, 1, 2 … records. */
function chainOf(list: readonly RecordFields[], bank: Bank, form: ExtendedForm): ListPcrs[] {
  const size = SIZES[bank];
  let pcrs: ListPcrs = new Map(PCRS.map((index) => [index, new Uint8Array(size)]));
  return [
    pcrs,
    ...list.map((fields) => {
      const digest = new Uint8Array(size).fill(fields.digest === null ? 0xff : 0);
      if (fields.digest !== null) {
        digest.set(hashOf(form === "native" ? bank : "sha1", hashed(encodeEntry(fields))));
      }
      const value = hashOf(bank, pcrs.get(fields.pcr) ?? NOTHING, digest);
      pcrs = new Map([...pcrs, [fields.pcr, value]]);
      return pcrs;
    }),
  ];
}

const encode = (list: readonly RecordFields[]): Uint8Array =>
  new Uint8Array(Buffer.concat(list.map((fields) => encodeEntry(fields))));

function start(bank: Bank, paddedSha1: boolean): ListState {
  return initialListState(listPins({ bank, pcrs: PCRS, templates: TEMPLATES, paddedSha1 }));
}

const CACHE = new ContentCache(1024);

describe("every template, in a list of every bank", () => {
  it("is decoded as it was encoded, and encoded as it was decoded", () => {
    fc.assert(
      fc.property(entries, bank, (contents, column) => {
        const list = Buffer.concat(contents.map((fields) => encodeEntry(fields, column)));
        const { templates } = start("sha256", false).pins;
        const decoded = parseMeasurementList(list, { templates, column });
        expect(decoded.consumed).toBe(list.length);
        expect(decoded.entries).toMatchObject(contents);
        expect(Buffer.concat(decoded.entries.map((found) => encodeEntry(found, column)))).toEqual(
          list,
        );
      }),
    );
  });
});

describe("several PCRs of every bank", () => {
  it("are replayed to exactly the prefixes, in each form", () => {
    fc.assert(
      fc.property(entries, bank, form, (contents, bank, form) => {
        const list = encode(contents);
        chainOf(contents, bank, form).forEach((quoted, count) => {
          const { state, contents: found } = replayList(start(bank, true), list, quoted, CACHE);
          expect(found.map(({ path }) => path)).toEqual(
            contents.slice(0, count).map(({ path }) => path),
          );
          expect(state.pcrs).toEqual(quoted);
        });
      }),
    );
  });

  it("are padded only where that is pinned, and then say so, from the first evidence on", () => {
    fc.assert(
      fc.property(
        entries,
        fc.constantFrom<Bank[]>("sha256", "sha384", "sha512"),
        (contents, bank) => {
          fc.pre(contents.some(({ digest }) => digest !== null));
          const list = encode(contents);
          const chain = chainOf(contents, bank, "padded-sha1");
          const end = chain.at(-1) ?? new Map();
          expect(() => replayList(start(bank, false), list, end, CACHE)).toThrow(NsImaError);
          const { state } = replayList(start(bank, true), list, end, CACHE);
          expect(state.form).toBe("padded-sha1");
          const last = contents.at(-1);
          const next = last ? chainOf([...contents, last], bank, "padded-sha1").at(-1) : undefined;
          const more = last ? encodeEntry(last) : NOTHING;
          expect(replayList(state, more, next ?? end, CACHE).state.form).toBe("padded-sha1");
        },
      ),
    );
  });

  it("must all be there at once: not some of one moment and some of another", () => {
    fc.assert(
      fc.property(entries, bank, fc.nat(), fc.nat(), (contents, bank, one, other) => {
        const chain = chainOf(contents, bank, "native");
        const [a, b] = [chain[one % chain.length], chain[other % chain.length]];
        const mixed: ListPcrs = new Map(
          PCRS.map((index, at) => [index, (at === 0 ? a : b)?.get(index) ?? NOTHING]),
        );
        const isReal = chain.some((pcrs) =>
          PCRS.every(
            (index) =>
              Buffer.compare(pcrs.get(index) ?? NOTHING, mixed.get(index) ?? NOTHING) === 0,
          ),
        );
        const replay = () => replayList(start(bank, false), encode(contents), mixed, CACHE);
        if (isReal) expect(replay().state.pcrs).toEqual(mixed);
        else expect(replay).toThrow(NsImaError);
      }),
    );
  });

  it("are recalled in the padded form behind violations, which do not tell the form", () => {
    const file = {
      pcr: 10,
      template: "ima-sig",
      path: "/x",
      signature: null,
      buffer: null,
    } as const;
    const first = { ...file, digest: null, others: [] };
    const digest = { algorithm: "sha256", value: new Uint8Array(32).fill(1) };
    const list = [first, { ...first, digest }];
    const end = chainOf(list, "sha384", "padded-sha1").at(-1) ?? new Map<number, Uint8Array>();
    const isEnd = (pcrs: ListPcrs): boolean =>
      Buffer.compare(pcrs.get(10) ?? NOTHING, end.get(10) ?? NOTHING) === 0;
    const bytes = encode(list);
    const behind = recallListPcrs(listStart("sha384", PCRS), bytes, (pcrs) =>
      (pcrs.get(10) ?? NOTHING).some((byte) => byte !== 0),
    );
    expect(behind?.entries).toBe(1);
    if (!behind) return;
    const found = recallListPcrs(behind, bytes.subarray(behind.bytes), isEnd);
    expect(found).toMatchObject({ entries: 2, form: "padded-sha1" });
  });

  it("are recalled by the node, whatever was quoted, and from there on", () => {
    fc.assert(
      fc.property(entries, bank, form, fc.nat(), (contents, bank, form, at) => {
        const list = encode(contents);
        const chain = chainOf(contents, bank, form);
        const quoted = chain[at % chain.length] ?? new Map();
        const fits = (wanted: ListPcrs) => (pcrs: ListPcrs) =>
          PCRS.every(
            (index) =>
              Buffer.compare(pcrs.get(index) ?? NOTHING, wanted.get(index) ?? NOTHING) === 0,
          );
        const found = recallListPcrs(listStart(bank, PCRS), list, fits(quoted));
        expect(found?.pcrs).toEqual(quoted);
        const foreign = new Map(PCRS.map((index) => [index, new Uint8Array(SIZES[bank]).fill(7)]));
        expect(recallListPcrs(listStart(bank, PCRS), list, fits(foreign))).toBeNull();
        if (!found || found.entries === 0) return;
        expect(recallListPcrs(found, list.subarray(found.bytes), fits(foreign))).toBeNull();
        const end = chain.at(-1) ?? new Map();
        expect(recallListPcrs(found, list.subarray(found.bytes), fits(end))?.pcrs).toEqual(end);
      }),
    );
  });
});
