// SPDX-License-Identifier: Apache-2.0
import { LabError } from "./error.ts";

const LEGACY_MAGIC = 0x184c2102;
const BLOCK_MAX = 8 * 1024 * 1024;

/** Whether `bytes` begin as LZ4's legacy frame does, the form in which Debian 12's kernel is packed. */
export function isLz4Legacy(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === LEGACY_MAGIC;
}

/**
 * Unpacks LZ4's legacy frame: a magic number, then blocks, each after its packed length (lz4_Frame_format.md, "Legacy
 * frame"). Node has no LZ4, and the tool is on few machines.
 *
 * @throws LabError `LAB_FILE` when the bytes are no such frame
 */
export function unpackLz4Legacy(bytes: Buffer): Buffer {
  if (!isLz4Legacy(bytes)) throw new LabError("LAB_FILE", "not an LZ4 legacy frame");
  const blocks: Buffer[] = [];
  for (let at = 4; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) throw new LabError("LAB_FILE", "an LZ4 block ends early");
    blocks.push(unpackBlock(bytes, at + 4, end));
    at = end;
  }
  return Buffer.concat(blocks);
}

/** One block (lz4_Block_format.md): sequences of literals and a copy from what was unpacked before. */
function unpackBlock(packed: Buffer, start: number, end: number): Buffer {
  const out = Buffer.allocUnsafe(BLOCK_MAX);
  let from = start;
  let to = 0;
  // Out-of-range reads give 0: they end in one of the checks below.
  const extended = (nibble: number): number => {
    let length = nibble;
    for (let more = nibble === 15; more; from++) {
      length += packed[from] ?? 0;
      more = packed[from] === 255;
    }
    return length;
  };
  while (from < end) {
    const token = packed[from++] ?? 0;
    const literals = extended(token >> 4);
    if (from + literals > end || to + literals > BLOCK_MAX) break;
    packed.copy(out, to, from, from + literals);
    from += literals;
    to += literals;
    if (from === end) return out.subarray(0, to);
    const distance = packed.readUInt16LE(from);
    from += 2;
    const copied = extended(token & 15) + 4;
    if (distance === 0 || distance > to || to + copied > BLOCK_MAX) break;
    // Byte by byte: a copy may overlap what it writes.
    for (let i = 0; i < copied; i++) out[to + i] = out[to + i - distance] ?? 0;
    to += copied;
  }
  throw new LabError("LAB_FILE", "an LZ4 block is broken");
}
