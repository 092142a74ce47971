// SPDX-License-Identifier: Apache-2.0

import type { Random } from "../engine/random.ts";
import type { Mutator } from "../engine/target.ts";
import { integerBytes, mutateBytes } from "./bytes.ts";

/** One CBOR item (RFC 8949, 3). Written anew for tests: what is tested must not make its own tests. */
interface Item {
  major: number;
  /** Additional information; decides how many bytes the argument has. */
  info: number;
  argument: number;
  content: Uint8Array;
  items: Item[];
}

const DEPTH_MAX = 16;
const WIDTHS: readonly number[] = [1, 2, 4, 8];
const NOTHING = new Uint8Array();
/** Heads that no message of ours has: negative, tags, floats, undefined, indefinite lengths, breaks, reserved. */
const ODD_HEADS: readonly number[] = [
  0x1c, 0x20, 0x3b, 0x5f, 0x7f, 0x9f, 0xbf, 0xc0, 0xc1, 0xc2, 0xd8, 0xd9, 0xe0, 0xf7, 0xf8, 0xf9,
  0xfa, 0xfb, 0xff,
];

/** Changes one item of a CBOR message, in its place: its type, width, size, nesting or content. */
export const mutateCbor: Mutator = (input, random, other) => {
  const root = parse(input);
  const donor = parse(other);
  if (root === null) return input;
  change(random.pick(all(root)), random, donor);
  return Uint8Array.from(encode(root));
};

function parse(bytes: Uint8Array): Item | null {
  const cursor = { bytes, at: 0 };
  const item = parseItem(cursor, 0);
  return cursor.at === bytes.length ? item : null;
}

function parseItem(cursor: { bytes: Uint8Array; at: number }, depth: number): Item | null {
  const head = cursor.bytes[cursor.at++];
  if (head === undefined || depth > DEPTH_MAX) return null;
  const item: Item = {
    major: head >> 5,
    info: head & 31,
    argument: 0,
    content: NOTHING,
    items: [],
  };
  item.argument = item.info;
  if (item.info > 27) return null;
  if (item.info >= 24) {
    const width = WIDTHS[item.info - 24] ?? 0;
    item.argument = 0;
    for (let n = 0; n < width; n++)
      item.argument = item.argument * 256 + (cursor.bytes[cursor.at++] ?? 0);
  }
  if (item.major === 2 || item.major === 3) {
    item.content = cursor.bytes.subarray(cursor.at, cursor.at + item.argument);
    cursor.at += item.argument;
  }
  const children = [0, 0, 0, 0, 1, 2, 0, 0][item.major] ?? 0;
  for (let n = 0; n < children * item.argument; n++) {
    const child = parseItem(cursor, depth + 1);
    if (child === null) return null;
    item.items.push(child);
  }
  return item;
}

function all(item: Item): Item[] {
  return [item, ...item.items.flatMap(all)];
}

function change(item: Item, random: Random, donor: Item | null): void {
  const at = random.below(item.items.length);
  switch (random.below(10)) {
    case 0:
      item.info = 24 + random.below(4);
      return;
    case 1:
      item.argument = random.boundary();
      item.info = 27;
      return;
    case 2:
      item.argument = Math.max(0, item.argument + random.below(3) - 1);
      return;
    case 3:
      item.major = random.below(8);
      return;
    case 4: {
      const odd = random.pick(ODD_HEADS);
      Object.assign(item, { major: odd >> 5, info: odd & 31 });
      return;
    }
    case 5:
      Object.assign(item, clone(random.pick(all(donor ?? item))));
      return;
    case 6:
      Object.assign(item, {
        major: 4,
        info: 1,
        argument: 1,
        content: NOTHING,
        items: [{ ...item }],
      });
      return;
    case 7:
      setItems(item, item.items.toSpliced(at, 1));
      return;
    case 8:
      setItems(item, item.items.toSpliced(at, 0, ...item.items.slice(at, at + 2).map(clone)));
      return;
    default:
      item.content = mutateBytes(item.content, random, donor?.content ?? NOTHING);
      setSize(item, item.content.length);
  }
}

function clone(item: Item): Item {
  return structuredClone(item);
}

function setItems(item: Item, items: Item[]): void {
  item.items = items;
  setSize(item, item.major === 5 ? items.length >> 1 : items.length);
}

/** In the shortest form. */
function setSize(item: Item, size: number): void {
  item.argument = size;
  item.info = size < 24 ? size : size < 256 ? 24 : size < 65536 ? 25 : 26;
}

function encode(item: Item): number[] {
  const head = (item.major << 5) | item.info;
  const width = WIDTHS[item.info - 24] ?? 0;
  return [
    head,
    ...integerBytes(item.argument, width, false),
    ...item.content,
    ...item.items.flatMap(encode),
  ];
}
