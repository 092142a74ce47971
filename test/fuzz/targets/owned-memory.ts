// SPDX-License-Identifier: Apache-2.0

import { promise } from "../engine/target.ts";

const DEPTH_MAX = 8;

/** Promises that no byte string in `result` is a view on memory of `input`: whoever keeps the result keeps only that. */
export function promiseOwnMemory(result: unknown, input: Uint8Array): void {
  for (const view of viewsIn(result, 0)) {
    promise(view.buffer !== input.buffer, "the result keeps the memory of its input");
  }
}

/** Promises that every view of `result` on memory of `input` lies within `input`. */
export function promiseViewsWithin(result: unknown, input: Uint8Array): void {
  for (const view of viewsIn(result, 0)) {
    if (view.buffer !== input.buffer || view.length === 0) continue;
    const starts = view.byteOffset >= input.byteOffset;
    const ends = view.byteOffset + view.length <= input.byteOffset + input.length;
    promise(starts && ends, "the result has bytes from beside its input");
  }
}

function viewsIn(value: unknown, depth: number): Uint8Array[] {
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return [];
  if (value instanceof Uint8Array) return [value];
  const inner = value instanceof Map ? value.values() : Object.values(value);
  return [...inner].flatMap((item) => viewsIn(item, depth + 1));
}
