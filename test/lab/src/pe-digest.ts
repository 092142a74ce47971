// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { LabError } from "./error.ts";

const PE_OFFSET_AT = 0x3c;
const PE64 = 0x20b;
/** From the optional header of a PE32+ file: its checksum, and the directory entry of its signatures. */
const CHECKSUM_AT = 64;
const SIGNATURES_AT = 144;

/**
 * SHA-256 of a program as firmware measures it (Authenticode): without its checksum and its signatures, which stand at the
 * end of a file that was signed by the usual tools.
 *
 * @throws LabError `LAB_FILE` for what is no 64-bit program of that form
 */
export function peDigest(image: Buffer): string {
  const optional = image.readUInt32LE(PE_OFFSET_AT) + 24;
  if (image.readUInt16LE(optional) !== PE64) {
    throw new LabError("LAB_FILE", "the kernel image is no PE32+ file");
  }
  const checksum = optional + CHECKSUM_AT;
  const entry = optional + SIGNATURES_AT;
  const signatures = image.readUInt32LE(entry);
  const end = signatures === 0 ? image.length : signatures;
  const behind = signatures === 0 ? image.length : signatures + image.readUInt32LE(entry + 4);
  return createHash("sha256")
    .update(image.subarray(0, checksum))
    .update(image.subarray(checksum + 4, entry))
    .update(image.subarray(entry + 8, end))
    .update(image.subarray(behind))
    .digest("hex");
}
