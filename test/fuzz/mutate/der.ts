// SPDX-License-Identifier: Apache-2.0

import type { Random } from "../engine/random.ts";
import type { Mutator } from "../engine/target.ts";
import { integerBytes, mutateBytes } from "./bytes.ts";

/** One DER element (X.690, 8.1). */
interface Element {
  tag: number;
  /** Content of an element that holds no others. */
  content: Uint8Array;
  elements: Element[] | null;
  /** How the length is written when it is not as DER wants it. */
  length: number[] | null;
}

const DEPTH_MAX = 16;
const CONSTRUCTED = 0x20;
const TAGS: readonly number[] = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0x80, 0xa0, 0xa3,
];

/** Changes one element of a DER structure: its tag, length, nesting, order or content. Bytes behind it stay. */
export const mutateDer: Mutator = (input, random, other) => {
  const parsed = parseElement(input, 0);
  if (parsed === null) return input;
  const donor = parseElement(other, 0)?.element ?? null;
  change(random.pick(all(parsed.element)), random, donor);
  return Uint8Array.from([...encode(parsed.element), ...input.subarray(parsed.end)]);
};

function parseElement(bytes: Uint8Array, depth: number): { element: Element; end: number } | null {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined || depth > DEPTH_MAX || first === 0x80) return null;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  if (octets > 3) return null;
  const size =
    octets === 0 ? first : bytes.subarray(2, 2 + octets).reduce((n, byte) => n * 256 + byte, 0);
  const start = 2 + octets;
  const end = start + size;
  if (end > bytes.length) return null;
  const content = bytes.subarray(start, end);
  const elements = tag & CONSTRUCTED ? parseAll(content, depth + 1) : null;
  return { element: { tag, content, elements, length: null }, end };
}

function parseAll(bytes: Uint8Array, depth: number): Element[] | null {
  const elements: Element[] = [];
  for (let left = bytes; left.length > 0; ) {
    const parsed = parseElement(left, depth);
    if (parsed === null) return null;
    elements.push(parsed.element);
    left = left.subarray(parsed.end);
  }
  return elements;
}

function all(element: Element): Element[] {
  return [element, ...(element.elements ?? []).flatMap(all)];
}

function change(element: Element, random: Random, donor: Element | null): void {
  const children = element.elements ?? [];
  const at = random.below(children.length);
  switch (random.below(8)) {
    case 0:
      element.tag = random.oneIn(2) ? random.pick(TAGS) : random.below(256);
      return;
    case 1:
      element.length = [0x80 + random.below(6), ...random.bytes(5)];
      return;
    case 2: {
      // The right length in too many octets.
      const width = random.pick([1, 2, 3, 4, 8]);
      element.length = [0x80 + width, ...integerBytes(encodeContent(element).length, width, false)];
      return;
    }
    case 3:
      element.elements = children.toSpliced(at, 1);
      return;
    case 4:
      element.elements = children.toSpliced(at, 0, ...children.slice(at, at + 2));
      return;
    case 5:
      Object.assign(element, structuredClone(random.pick(all(donor ?? element))));
      return;
    case 6:
      Object.assign(element, { tag: 0x30, elements: [{ ...element }], length: null });
      return;
    default:
      element.content = mutateBytes(
        encodeContent(element),
        random,
        donor?.content ?? element.content,
      );
      element.elements = null;
  }
}

function encodeContent(element: Element): Uint8Array {
  return element.elements ? Uint8Array.from(element.elements.flatMap(encode)) : element.content;
}

function encode(element: Element): number[] {
  const content = encodeContent(element);
  return [element.tag, ...(element.length ?? shortest(content.length)), ...content];
}

function shortest(size: number): number[] {
  if (size < 0x80) return [size];
  return size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
}
