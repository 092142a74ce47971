// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { parseMeasurementList } from "@nsattest/ns-ima";
import type { Random } from "../engine/random.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { integerBytes, mutateBytes } from "../mutate/bytes.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { LIST } from "./samples.ts";
import { hex, readJson } from "./vectors.ts";

const TEMPLATES = [
  ...["ima", "ima-ng", "ima-sig", "ima-ngv2", "ima-sigv2", "ima-buf", "ima-modsig", "evm-sig"],
  ...[
    "d-ng|n-ng|iuid|igid|imode",
    "d-ng|n-ng",
    "d|n",
    "n-ng|d-ng",
    "d-ngv2|n-ng|sig|buf",
    "sig",
    "",
    "|",
  ],
];
const ALGORITHMS = [
  "sha256",
  "sha1",
  "sha512",
  "md5",
  "ima:sha256",
  "verity:sha256",
  "x".repeat(40),
  "",
];
const PATHS = ["/bin/x", "boot_aggregate", ".ima", "/a\0b", "\xff/", ""];

/** The host list: records of all templates, those of kernels and those that only look like it. */
export function hostList(root: string): FuzzTarget {
  const captured = readJson(root, "ns-ima/test/vectors/kernel-7.2.13/records.json");
  const records = (captured as { record: string }[]).map(({ record }) => hex(record));
  return {
    name: "host-list",
    seeds: [LIST, ...records],
    mutators: [sizedMutator({ width: 4, little: true })],
    generate: (random) =>
      concat(...Array.from({ length: 1 + random.below(4) }, () => listRecord(random))),
    inputMax: 32 * 1024,
    errors: ["NsImaError"],
    run(input) {
      const { entries, consumed } = parseMeasurementList(input);
      promise(consumed <= input.length, "more is consumed than there is");
      promiseViewsWithin(entries, input);
      const again = parseMeasurementList(input.subarray(0, consumed));
      promise(again.entries.length === entries.length, "a list read again has other records");
      promise(again.consumed === consumed, "a list read again ends elsewhere");
      const [first] = entries;
      return `${Math.min(entries.length, 3)} ${first?.template} ${consumed === input.length}`;
    },
  };
}

/** A record with the digest of its data, for nothing further is looked at in one without. */
function listRecord(random: Random): Uint8Array {
  const template = random.pick(TEMPLATES);
  const name = Buffer.from(template);
  const data = templateData(template, random);
  const digest = createHash("sha1").update(data).digest();
  const pcr = random.oneIn(8) ? random.boundary() : 10;
  return concat(
    integerBytes(pcr, 4, true),
    random.oneIn(8) ? new Uint8Array(20) : digest,
    sized(name),
    template === "ima" ? data : sized(data),
  );
}

function templateData(template: string, random: Random): Uint8Array {
  const digest = random.bytes(80);
  const path = Buffer.from(random.pick(PATHS), "latin1");
  if (template === "ima") return concat(new Uint8Array(20).fill(7), sized(path));
  const prefix = Buffer.from(`${random.pick(ALGORITHMS)}:\0`, "latin1");
  const fields = [concat(prefix, digest), concat(path, Uint8Array.of(0)), random.bytes(40)];
  const wanted = template.includes("|") ? template.split("|").length : 2 + random.below(2);
  const data = concat(...fields.slice(0, wanted).map(sized));
  return random.oneIn(3) ? mutateBytes(data, random, data) : data;
}

function sized(bytes: Uint8Array): Uint8Array {
  return concat(integerBytes(bytes.length, 4, true), bytes);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
