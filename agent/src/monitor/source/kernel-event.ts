// SPDX-License-Identifier: Apache-2.0

import type { BytePath, ExecutionKind, FileDigest } from "@nsattest/ns-ima";
import { ByteReader } from "@nsattest/tpm";
import { AgentError } from "../../error.ts";

/** Where the task stood, as the kernel saw it. */
export interface TaskPlace {
  /** Cgroup ids from the task's own upwards, without the root. */
  readonly cgroups: readonly number[];
  readonly mountNamespace: number;
  readonly pidNamespace: number;
  /** Pid namespaces above and including the task's own, from below the first one downwards; the deepest may be missing. */
  readonly pidAncestors: readonly number[];
  readonly process: number;
}

/** One record of the ring: `struct event` of ns-ima/kernel/event.h. */
export type KernelEvent =
  | {
      readonly kind: "execution";
      readonly how: ExecutionKind;
      readonly place: TaskPlace;
      readonly path: BytePath;
      readonly pathUnknown: boolean;
      readonly script: boolean;
      readonly writable: boolean;
      /** Number of the file, 0 for none. */
      readonly file: number;
      readonly digest: FileDigest | null;
      readonly fsMagic: number;
    }
  | {
      readonly kind: "measured";
      readonly place: TaskPlace;
      readonly templateDigest: Uint8Array;
      readonly violation: boolean;
    };

const ANCESTORS = 8;
const PID_ANCESTORS = 4;
const DIGEST_MAX = 64;
const PATH_MAX = 1024;
const TEMPLATE_DIGEST = 32;

const FLAG_SCRIPT = 4;
const FLAG_PATH_UNKNOWN = 8;
const FLAG_VIOLATION = 16;
const FLAG_CODE_WRITABLE = 32;

const EVENT_MEASURED = 5;
const HOW: Readonly<Record<number, ExecutionKind>> = {
  1: "exec",
  2: "map",
  3: "mprotect",
  4: "anonymous",
  6: "rewrite",
};

/** The kernel's `enum hash_algo` (include/uapi/linux/hash_info.h): name as IMA writes it, and size. */
const HASH_ALGO: Readonly<Record<number, readonly [name: string, size: number]>> = {
  1: ["md5", 16],
  2: ["sha1", 20],
  4: ["sha256", 32],
  5: ["sha384", 48],
  6: ["sha512", 64],
};

/**
 * Decodes one record of the ring. Paths and the digest of a file are what the kernel said; whether they are allowed is not asked here.
 *
 * @throws AgentError `KERNEL_EVENT` when the record is not one of ours
 */
export function decodeKernelEvent(record: Uint8Array): KernelEvent {
  try {
    return decode(new ByteReader(record));
  } catch (error) {
    throw new AgentError("KERNEL_EVENT", `ring record of ${record.length} bytes is not readable`, {
      cause: error,
    });
  }
}

function decode(reader: ByteReader): KernelEvent {
  const kind = reader.u32le();
  const flags = reader.u32le();
  const own = reader.u64le();
  const ancestors = Array.from({ length: ANCESTORS }, () => reader.u64le());
  const file = reader.u64le();
  const mountNamespace = reader.u32le();
  const pidNamespace = reader.u32le();
  const pidAncestors = Array.from({ length: PID_ANCESTORS }, () => reader.u32le());
  const process = reader.u32le();
  const fsMagic = reader.u32le();
  const algorithm = reader.u32le();
  const pathLength = reader.u32le();
  const digestBytes = reader.bytes(DIGEST_MAX);
  if (pathLength > PATH_MAX) throw new AgentError("KERNEL_EVENT", `path of ${pathLength} bytes`);
  const path = Buffer.from(reader.bytes(pathLength)).toString("latin1");
  reader.end();
  if (path.includes("\0")) throw new AgentError("KERNEL_EVENT", "a path with a NUL");
  const place: TaskPlace = {
    cgroups: cgroupsUpwards(own, ancestors),
    mountNamespace,
    pidNamespace,
    pidAncestors: pidAncestors.filter((id) => id !== 0),
    process,
  };
  if (kind === EVENT_MEASURED) {
    const templateDigest = digestBytes.slice(0, TEMPLATE_DIGEST);
    const violation = (flags & FLAG_VIOLATION) !== 0;
    if (templateDigest.every((byte) => byte === 0) !== violation) {
      throw new AgentError(
        "KERNEL_EVENT",
        "violations have no SHA-256 template digest, and they alone",
      );
    }
    return { kind: "measured", place, templateDigest, violation };
  }
  const how = HOW[kind];
  if (how === undefined) throw new AgentError("KERNEL_EVENT", `event kind ${kind}`);
  return {
    kind: "execution",
    how,
    place,
    path,
    pathUnknown: (flags & FLAG_PATH_UNKNOWN) !== 0,
    script: (flags & FLAG_SCRIPT) !== 0,
    writable: (flags & FLAG_CODE_WRITABLE) !== 0,
    file,
    digest: fileDigest(algorithm, digestBytes),
    fsMagic,
  };
}

/** A negative number is an errno; an algorithm we do not know gives no digest either: what cannot be compared is unstable. */
function fileDigest(algorithm: number, bytes: Uint8Array): FileDigest | null {
  const known = HASH_ALGO[algorithm];
  return known === undefined ? null : { algorithm: known[0], value: bytes.slice(0, known[1]) };
}

function cgroupsUpwards(own: number, ancestors: readonly number[]): number[] {
  const upwards = ancestors.filter((id) => id !== 0).reverse();
  return upwards[0] === own || own === 0 ? upwards : [own, ...upwards];
}
