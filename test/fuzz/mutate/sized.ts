// SPDX-License-Identifier: Apache-2.0

import type { Random } from "../engine/random.ts";
import type { Mutator } from "../engine/target.ts";
import { integerBytes, pieceOf, replaced } from "./bytes.ts";

/** How a format writes the size of what follows. */
export interface SizeForm {
  readonly width: 1 | 2 | 4;
  readonly little: boolean;
}

/** A number that may be the size of the bytes behind it, for they are there. */
interface Sized {
  /** Offset of the number. */
  readonly at: number;
  /** Offset of the content. */
  readonly from: number;
  readonly size: number;
}

const SEARCH_MAX = 2048;

/**
 * Changes what stands behind a size and makes the size fit again, those around it too; or the size alone, which then
 * lies. What is taken for a size need not be one: then a number is changed.
 */
export function sizedMutator(...forms: readonly SizeForm[]): Mutator {
  return (input, random, other) => {
    const form = random.pick(forms);
    const fields = sizedFields(input, form, random);
    if (fields.length === 0) return input;
    const field = random.pick(fields);
    if (random.oneIn(3)) return lie(input, field, form, random);
    const content = input.subarray(field.from, field.from + field.size);
    const changed = changedContent(content, random, other);
    const around = fields.filter((each) => each.at < field.at && encloses(each, field));
    const grown = changed.length - field.size;
    let output = replaced(input, field.from, field.size, changed);
    for (const each of [field, ...around]) {
      output = replaced(output, each.at, form.width, sizeBytes(each.size + grown, form));
    }
    return random.oneIn(8) ? replaced(output, field.at, 0, output.subarray(field.at)) : output;
  };
}

/** All of them in a stretch of the input. */
function sizedFields(input: Uint8Array, form: SizeForm, random: Random): Sized[] {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const start = random.below(Math.max(0, input.length - SEARCH_MAX));
  const end = Math.min(input.length, start + SEARCH_MAX) - form.width;
  const fields: Sized[] = [];
  for (let at = start; at <= end; at++) {
    const size = readSize(view, at, form);
    const from = at + form.width;
    if (size > 0 && from + size <= input.length) fields.push({ at, from, size });
  }
  return fields;
}

function readSize(view: DataView, at: number, { width, little }: SizeForm): number {
  if (width === 1) return view.getUint8(at);
  return width === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
}

function sizeBytes(size: number, { width, little }: SizeForm): Uint8Array {
  return integerBytes(size, width, little);
}

function encloses(outer: Sized, inner: Sized): boolean {
  return outer.from <= inner.at && inner.from + inner.size <= outer.from + outer.size;
}

function lie(input: Uint8Array, field: Sized, form: SizeForm, random: Random): Uint8Array {
  const left = input.length - field.from;
  const size = random.pick([
    0,
    field.size + 1,
    field.size - 1,
    2 * field.size,
    left,
    left + 1,
    random.boundary(),
  ]);
  return replaced(input, field.at, form.width, sizeBytes(size, form));
}

function changedContent(content: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const at = random.below(content.length + 1);
  switch (random.below(6)) {
    case 0:
      return new Uint8Array();
    case 1:
      return content.subarray(0, at);
    case 2:
      return replaced(content, at, 0, random.bytes(64));
    case 3:
      return pieceOf(other, random);
    case 4:
      return replaced(content, at, content.length, pieceOf(other, random));
    default:
      return replaced(content, 0, 0, content);
  }
}
