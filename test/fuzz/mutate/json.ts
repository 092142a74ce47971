// SPDX-License-Identifier: Apache-2.0

import type { Random } from "../engine/random.ts";
import type { Mutator } from "../engine/target.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const TEXTS: readonly string[] = [
  "",
  " ",
  "/",
  "/a/../b",
  "a\nb",
  "\u0000",
  "\u2028",
  "\ud800",
  "\u202e",
  "__proto__",
  "constructor",
  "toString",
  "sha256:",
  `sha256:${"0".repeat(64)}`,
  `sha256:${"a".repeat(64)}`,
  "f".repeat(64),
  "AAAA",
  "AAA",
  "2026-01-31T12:00:00.000Z",
  "+275760-09-13T00:00:00.000Z",
  "9".repeat(40),
  "x".repeat(2000),
];
const NUMBERS: readonly number[] = [0, -0, -1, 1.5, 1e308, -1e308, 2 ** 53, 1e-320, 23, 24, 86_401];
const DEEP = 2000;
/** Characters of a text to which indentation is added: it grows with the square of the depth. */
const INDENTED_MAX = 8 * 1024;
/** Characters that copies of one value may have together. */
const COPIES_MAX = 1024 * 1024;

/** Changes a JSON document as a document: a value, a name, an item, a nesting. What is no JSON stays as it is. */
export const mutateJson: Mutator = (input, random, other) => {
  const [document, donor] = [parse(input), parse(other)];
  if (document === undefined) return input;
  const holder: Json[] = [document];
  const [parent, key] = random.pick(places(holder));
  change(parent, key, random, donor ?? null);
  const [changed = null] = holder;
  // Some texts mean the same value in other words.
  let text = JSON.stringify(changed);
  if (random.oneIn(8) && text.length <= INDENTED_MAX)
    text = JSON.stringify(changed, undefined, " ");
  if (random.oneIn(16)) text = text.replace(/"/, '"\\u0000');
  if (random.oneIn(16)) text = text.replace(/^\{("[^"]*":)/, "{$1null,$1");
  return new Uint8Array(Buffer.from(text));
};

function parse(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Json;
  } catch {
    return undefined;
  }
}

type Parent = Json[] | { [key: string]: Json };
type Place = readonly [parent: Parent, key: string];

/** Every value in `root`, by what holds it. Not recursive: documents here may be deep. */
function places(root: Parent): Place[] {
  const found: Place[] = [];
  const open: Parent[] = [root];
  for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
    for (const [key, value] of Object.entries(parent)) {
      found.push([parent, key]);
      if (typeof value === "object" && value !== null) open.push(value);
    }
  }
  return found;
}

function change(parent: Parent, key: string, random: Random, donor: Json): void {
  const holder = parent as { [key: string]: Json };
  const value = holder[key] ?? null;
  switch (random.below(9)) {
    case 0:
      holder[key] = scalar(random);
      return;
    case 1:
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 2:
      rename(holder, key, random.oneIn(2) ? `${key}s` : random.pick(TEXTS));
      return;
    case 3:
      holder[key] = random.oneIn(20) ? nested(value, DEEP) : [value];
      return;
    case 4:
      holder[key] = { [random.pick(TEXTS)]: value };
      return;
    case 5: {
      const [from, at] = random.pick(places([donor]));
      holder[key] = structuredClone((from as { [key: string]: Json })[at] ?? null);
      return;
    }
    case 6:
      if (Array.isArray(parent)) parent.push(...copies(value, random));
      else holder[random.pick(TEXTS)] = value;
      return;
    case 7:
      holder[key] = typeof value === "string" ? text(value, random) : scalar(random);
      return;
    default:
      holder[key] = typeof value === "number" ? value + random.below(3) - 1 : scalar(random);
  }
}

function rename(holder: { [key: string]: Json }, key: string, name: string): void {
  const value = holder[key] ?? null;
  if (Array.isArray(holder)) return;
  delete holder[key];
  Object.defineProperty(holder, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function copies(value: Json, random: Random): Json[] {
  const most = Math.ceil(COPIES_MAX / (1 + JSON.stringify(value).length));
  return Array<Json>(Math.min(random.below(100), most)).fill(value);
}

function nested(value: Json, depth: number): Json {
  let around = value;
  for (let n = 0; n < depth; n++) around = [around];
  return around;
}

function scalar(random: Random): Json {
  if (random.oneIn(2)) return random.pick(TEXTS);
  return random.oneIn(2)
    ? random.boundary()
    : random.pick<Json>([null, true, false, [], {}, ...NUMBERS]);
}

function text(value: string, random: Random): string {
  const at = random.below(value.length + 1);
  const piece = random.oneIn(2) ? random.pick(TEXTS) : String.fromCharCode(random.below(0x3000));
  return value.substring(0, at) + piece + value.substring(at + random.below(3));
}
