// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("vectors/", import.meta.url);

/** A file that was made for a capture and read once; see `test/vm/capture`. */
export interface CapturedFile {
  /** Latin-1, below `/v`. */
  readonly name: string;
  readonly content: string;
  /** The rule it fell under. */
  readonly owner: string;
  readonly how?: "read" | "detached" | "open-writer" | "tomtou";
  /** Name of its signature in `signatures.json`. */
  readonly signature?: string;
}

/** One boot of a stock kernel: its list in every form, and the PCRs that it led to. */
export interface KernelVector {
  /** Such as `6.1.192 templates`. */
  readonly name: string;
  readonly about: {
    readonly kernel: string;
    readonly template: string;
    readonly banks: readonly string[];
  };
  readonly files: readonly CapturedFile[];
  readonly count: number;
  readonly violations: number;
  /** `binary_runtime_measurements`. */
  readonly list: Buffer;
  /** `ascii_runtime_measurements`. */
  readonly ascii: Buffer;
  /** `binary_runtime_measurements_<bank>`, by bank; empty before kernel 6.10. */
  readonly bankLists: ReadonlyMap<string, Buffer>;
  /** By bank, then by index. */
  readonly pcrs: ReadonlyMap<string, readonly Buffer[]>;
}

/** All that were captured. */
export const KERNEL_VECTORS: readonly KernelVector[] = readdirSync(FOLDER)
  .filter((folder) => folder.startsWith("kernel-"))
  .flatMap((folder) =>
    readdirSync(new URL(folder, FOLDER))
      .filter((file) => file !== "records.json")
      .map((file) => readVector(folder, file)),
  );

/** The one boot of each kernel that is called `boot`. */
export function vectorsOf(boot: string): readonly KernelVector[] {
  return KERNEL_VECTORS.filter(({ name }) => name.endsWith(` ${boot}`));
}

interface VectorDocument extends Pick<KernelVector, "about" | "files" | "count" | "violations"> {
  readonly list: string;
  readonly digests: Readonly<Record<string, readonly string[]>>;
  readonly ascii: string;
  readonly pcrs: Readonly<Record<string, readonly string[]>>;
}

function readVector(folder: string, file: string): KernelVector {
  const text = readFileSync(new URL(`${folder}/${file}`, FOLDER), "utf8");
  const { about, files, count, violations, ...document } = JSON.parse(text) as VectorDocument;
  const list = Buffer.from(document.list, "base64");
  return {
    name: `${folder.slice("kernel-".length)} ${file.slice(0, -".json".length)}`,
    ...{ about, files, count, violations, list },
    ascii: Buffer.from(document.ascii, "latin1"),
    bankLists: new Map(
      Object.entries(document.digests).map(([bank, digests]) => [bank, withDigests(list, digests)]),
    ),
    pcrs: new Map(
      Object.entries(document.pcrs).map(([bank, values]) => [
        bank,
        values.map((value) => Buffer.from(value, "hex")),
      ]),
    ),
  };
}

/** The list with other digests: what the file of another bank was when it was captured. */
function withDigests(list: Buffer, digests: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const digest of digests) {
    const nameEnd = at + 28 + list.readUInt32LE(at + 24);
    const lengthAt = list.toString("latin1", at + 28, nameEnd) === "ima" ? nameEnd + 20 : nameEnd;
    const end = lengthAt + 4 + list.readUInt32LE(lengthAt);
    parts.push(list.subarray(at, at + 4), Buffer.from(digest, "hex"), list.subarray(at + 24, end));
    at = end;
  }
  return Buffer.concat(parts);
}
