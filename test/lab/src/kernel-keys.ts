// SPDX-License-Identifier: Apache-2.0
import { createHash, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { LabError } from "./error.ts";
import { runHostTool } from "./host-tool.ts";

/** Offsets of the x86 boot header (Documentation/arch/x86/boot.rst). */
const SETUP_SECTORS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR = 512;
/** The build appends the payload's unpacked size to it. */
const SIZE_SUFFIX = 4;

/** How Debian packs its kernels, by the first four bytes. */
const UNPACKERS: ReadonlyMap<number, string> = new Map([
  [0x02214c18, "lz4"],
  [0x28b52ffd, "zstd"],
  [0xfd377a58, "xz"],
]);

const DER_SEQUENCE = Buffer.from("3082", "hex");
const CERTIFICATE_MAX = 4096;

/**
 * SHA-256 (hex) of each certificate compiled into a kernel image. IMA lists them as records of `.builtin_trusted_keys` when they
 * are loaded, so a host's policy has to know them; the image says them without being booted.
 *
 * @throws LabError `LAB_PACKAGE` when the image is packed in an unknown way, `LAB_TOOL_MISSING`, `LAB_TOOL_FAILED`
 */
export async function builtinKeyDigests(image: string): Promise<string[]> {
  const file = await readFile(image);
  const start = (file.readUInt8(SETUP_SECTORS) + 1) * SECTOR + file.readUInt32LE(PAYLOAD_OFFSET);
  const length = file.readUInt32LE(PAYLOAD_LENGTH) - SIZE_SUFFIX;
  const payload = file.subarray(start, start + length);
  const unpacker = UNPACKERS.get(payload.readUInt32BE(0));
  if (unpacker === undefined)
    throw new LabError("LAB_PACKAGE", `${image} is packed in an unknown way`);
  const kernel = await runHostTool(unpacker, ["-dc"], { input: payload });
  return [...certificatesIn(kernel)].map((der) => createHash("sha256").update(der).digest("hex"));
}

function* certificatesIn(bytes: Buffer): Generator<Buffer> {
  let at = bytes.indexOf(DER_SEQUENCE);
  for (; at >= 0; at = bytes.indexOf(DER_SEQUENCE, at + 1)) {
    if (at + 8 > bytes.length || bytes.compare(DER_SEQUENCE, 0, 2, at + 4, at + 6) !== 0) continue;
    const length = bytes.readUInt16BE(at + 2) + 4;
    const der = bytes.subarray(at, at + length);
    if (length <= CERTIFICATE_MAX && isCertificate(der)) yield der;
  }
}

function isCertificate(der: Buffer): boolean {
  try {
    return new X509Certificate(der).raw.equals(der);
  } catch {
    return false;
  }
}
