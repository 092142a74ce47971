// SPDX-License-Identifier: Apache-2.0

import type { FileDigest } from "@nsattest/ns-ima";
import { digestText } from "./digest-text.ts";

/** Digests that are asked about for everything a node does, and hardly ever found: mostly three bytes tell. */
export class DigestSet {
  readonly #texts: ReadonlySet<string>;
  readonly #beginnings: ReadonlySet<number>;

  /** @param texts `sha256:<hex>` */
  constructor(texts: ReadonlySet<string>) {
    this.#texts = texts;
    this.#beginnings = new Set([...texts].map((text) => beginningOf(bytesOf(text))));
  }

  has(digest: FileDigest): boolean {
    return this.#beginnings.has(beginningOf(digest.value)) && this.#texts.has(digestText(digest));
  }
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text.replace("sha256:", ""), "hex");
}

function beginningOf(digest: Uint8Array): number {
  return ((digest[0] ?? 0) << 16) | ((digest[1] ?? 0) << 8) | (digest[2] ?? 0);
}
