// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import {
  ContentCache,
  countRecords,
  encodeEntry,
  initialListState,
  type ListEntry,
  listPins,
  parseMeasurementList,
  replayList,
} from "@nsattest/ns-ima";
import type { HashName } from "@nsattest/tpm";
import type { Random } from "../engine/random.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { integerBytes, mutateBytes } from "../mutate/bytes.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseOwnMemory } from "./owned-memory.ts";
import { LIST } from "./samples.ts";
import { hex, readJson } from "./vectors.ts";

const NAMED = ["ima", "ima-ng", "ima-sig", "ima-ngv2", "ima-sigv2", "ima-buf", "ima-modsig"];
const CUSTOM = ["evm-sig", "d-ng|n-ng|iuid|igid|imode", "d|n", "d-ngv2|n-ng|sig"];
/** Not pinned, and some of them no templates. */
const FOREIGN = ["n-ng|d-ng", "d-ng|n-ng|sig|buf", "sig", "", "|", "ima-xx", "d-ng|n-ng|\xff"];
const TEMPLATES = [...NAMED, ...CUSTOM];

const COLUMNS = ["sha1", "sha256", "sha384", "sha512"] as const satisfies readonly HashName[];
const SIZES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const;
const ALGORITHMS = [
  ...["sha256", "sha1", "sha512", "md5", "ima:sha256", "verity:sha256", "verity:sha1"],
  ...["x".repeat(40), "", "evm:sha256"],
];
const PATHS = ["/bin/x", "boot_aggregate", ".ima", "/a\0b", "\xff/", ""];
const PCR = 10;
const PINS = listPins({ bank: "sha256", pcrs: [PCR], templates: TEMPLATES, paddedSha1: false });

/**
 * The host list: records of all templates and columns, those of kernels and those that only look like it. The first byte
 * of an input chooses the column.
 */
export function hostList(root: string): FuzzTarget {
  const captured = readJson(root, "ns-ima/test/vectors/kernel-7.2.13/records.json");
  const records = (captured as { record: string }[]).map(({ record }) => hex(record));
  const kernels = ["6.1.192", "6.12.117", "7.2.13"].flatMap((version) =>
    ["templates", "custom-template"].map((name) => listOf(root, version, name)),
  );
  const cache = new ContentCache(4096);
  return {
    name: "host-list",
    seeds: [LIST, ...records, ...kernels].map((list) => concat(Uint8Array.of(0), list)),
    mutators: [sizedMutator({ width: 4, little: true })],
    generate: (random) => {
      const column = random.oneIn(4) ? random.below(COLUMNS.length) : 0;
      const bank = COLUMNS[column] ?? "sha1";
      const made = Array.from({ length: 1 + random.below(4) }, () => listRecord(random, bank));
      return concat(Uint8Array.of(column), ...made);
    },
    inputMax: 32 * 1024,
    errors: ["NsImaError"],
    run(input) {
      const column = COLUMNS[(input[0] ?? 0) % COLUMNS.length] ?? "sha1";
      const list = input.subarray(1);
      const options = { templates: PINS.templates, column };
      const { entries, consumed } = parseMeasurementList(list, options);
      promise(consumed <= list.length, "more is consumed than there is");
      promiseOwnMemory(entries, input);
      promiseSameRecords(entries, list, column);
      if (column === "sha1") promiseReplays(list.subarray(0, consumed), entries, cache);
      const kinds = new Set(entries.map(({ template, kind }) => `${template} ${kind}`));
      return `${[...kinds].slice(0, 3).join(" ")} ${consumed === list.length}`;
    },
  };
}

/** Each record is written as it was read; of a violation what nobody vouches for may be lost. */
function promiseSameRecords(
  entries: readonly ListEntry[],
  list: Uint8Array,
  column: HashName,
): void {
  let start = 0;
  for (const entry of entries) {
    const record = list.subarray(start, entry.end);
    start = entry.end;
    if (entry.violation) continue;
    const again = encodeEntry(entry, column);
    promise(Buffer.compare(again, record) === 0, `a record of ${entry.template} has two forms`);
  }
}

/** A whole list replays to the PCR that is computed here in another way, and to no other. */
function promiseReplays(
  list: Uint8Array,
  entries: readonly ListEntry[],
  cache: ContentCache,
): void {
  const counted = countRecords(list);
  promise(counted.entries === entries.length, "records are counted otherwise than read");
  if (entries.some(({ pcr }) => pcr !== PCR)) return;
  let value = new Uint8Array(32);
  let start = 0;
  for (const { end, violation } of entries) {
    const extend = violation ? new Uint8Array(32).fill(0xff) : sha256(hashed(list, start, end));
    value = sha256(concat(value, extend));
    start = end;
  }
  const replayed = replayList(initialListState(PINS), list, new Map([[PCR, value]]), cache);
  // The same value twice in a chain would be a collision: the whole list has to match.
  promise(replayed.contents.length === entries.length, "a list replays to a shorter one");
  const same = replayed.contents.every(
    ({ path, kind, template }, index) =>
      path === entries[index]?.path &&
      kind === entries[index]?.kind &&
      template === entries[index]?.template,
  );
  promise(same, "a replayed list has other contents than a parsed one");
  promiseOwnMemory(replayed.contents, list);
}

/** What the kernel hashes of the record in `list` from `start` to `end` (SHA-1 column). */
function hashed(list: Uint8Array, start: number, end: number): Uint8Array {
  const record = list.slice(start, end);
  const name = new DataView(record.buffer).getUint32(24, true);
  const data = record.subarray(28 + name);
  const isLegacy = Buffer.from(record.subarray(28, 28 + name)).toString("latin1") === "ima";
  if (!isLegacy) return data.subarray(4);
  const padded = new Uint8Array(276);
  padded.set(data.subarray(0, 20));
  padded.set(data.subarray(24), 20);
  return padded;
}

function listOf(root: string, version: string, name: string): Uint8Array {
  const vector = readJson(root, `ns-ima/test/vectors/kernel-${version}/${name}.json`);
  return new Uint8Array(Buffer.from((vector as { list: string }).list, "base64"));
}

/** A record with the digest of its data, for nothing further is looked at in one without. */
function listRecord(random: Random, column: (typeof COLUMNS)[number]): Uint8Array {
  const template = random.oneIn(8) ? random.pick(FOREIGN) : random.pick(TEMPLATES);
  const name = Buffer.from(template, "latin1");
  const isLegacy = template === "ima";
  const data = isLegacy ? legacyData(random) : templateData(template, random);
  const legacy = concat(data.subarray(0, 20), data.subarray(24), new Uint8Array(256)).subarray(
    0,
    276,
  );
  const digest = createHash(column)
    .update(isLegacy ? legacy : data)
    .digest();
  const pcr = random.oneIn(16) ? random.boundary() : PCR;
  return concat(
    integerBytes(pcr, 4, true),
    random.oneIn(8) ? new Uint8Array(SIZES[column]) : digest,
    sized(name),
    isLegacy ? data : sized(data),
  );
}

function legacyData(random: Random): Uint8Array {
  return concat(new Uint8Array(20).fill(random.below(3)), sized(pathBytes(random)));
}

function pathBytes(random: Random): Uint8Array {
  return Buffer.from(random.pick(PATHS), "latin1");
}

function templateData(template: string, random: Random): Uint8Array {
  const algorithm = Buffer.from(`${random.pick(ALGORITHMS)}:\0`, "latin1");
  const digest = new Uint8Array(random.pick([16, 20, 32, 48, 64, 31])).fill(random.below(3));
  const buffer = random.bytes(40);
  const last = random.oneIn(2) ? buffer : concat(Uint8Array.of(3), buffer);
  const ofBuffer = concat(Buffer.from("sha256:\0"), sha256(last));
  const first = random.oneIn(2) ? ofBuffer : concat(algorithm, digest);
  const fields = [
    first,
    concat(pathBytes(random), Uint8Array.of(0)),
    last,
    concat(algorithm, digest),
  ];
  const numbers = [new Uint8Array(4), new Uint8Array(4), new Uint8Array(2)];
  const wanted = template.includes("|") ? template.split("|").length : 2 + random.below(3);
  const all = template.includes("iuid") ? [...fields.slice(0, 2), ...numbers] : fields;
  const data = concat(...all.slice(0, wanted).map(sized));
  return random.oneIn(4) ? mutateBytes(data, random, data) : data;
}

function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

function sized(bytes: Uint8Array): Uint8Array {
  return concat(integerBytes(bytes.length, 4, true), bytes);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
