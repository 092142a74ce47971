// SPDX-License-Identifier: Apache-2.0

import { ByteWriter } from "@nsattest/tpm";

/** What a record of the ring says; the numbers are those of `enum event_kind` and `enum event_flag` of ns-ima/kernel/event.h. */
export interface RecordFields {
  readonly kind?: number;
  readonly flags?: number;
  readonly cgroup?: number;
  /** Ids of the cgroups at levels 1, 2 and so on. */
  readonly ancestors?: readonly number[];
  /** Number of the file. */
  readonly file?: number;
  readonly mountNamespace?: number;
  readonly pidNamespace?: number;
  /** Pid namespaces at levels 1, 2 and so on. */
  readonly pidAncestors?: readonly number[];
  readonly algorithm?: number;
  /** All 64 bytes of the digest field. */
  readonly digest?: Uint8Array;
  readonly path?: string;
  readonly pathLength?: number;
}

/** One record as the kernel's programs write it: `struct event` of ns-ima/kernel/event.h. */
export function ringRecord(fields: RecordFields = {}): Uint8Array {
  const { kind = 1, flags = 0, cgroup = 77, ancestors = [5, cgroup] } = fields;
  const { file = 0, mountNamespace = 101, pidNamespace = 102, pidAncestors = [] } = fields;
  const { algorithm = 4, path = "/bin/x" } = fields;
  const { digest = new Uint8Array(64).fill(0xab), pathLength = path.length } = fields;
  const writer = new ByteWriter().u32le(kind).u32le(flags).u64le(cgroup);
  for (let level = 0; level < 8; level++) writer.u64le(ancestors[level] ?? 0);
  writer.u64le(file).u32le(mountNamespace).u32le(pidNamespace);
  for (let level = 0; level < 4; level++) writer.u32le(pidAncestors[level] ?? 0);
  writer.u32le(4321).u32le(0x794c7630);
  writer.u32le(algorithm).u32le(pathLength).bytes(digest);
  return writer.bytes(Buffer.from(path, "latin1")).finish();
}
