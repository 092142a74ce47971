// SPDX-License-Identifier: Apache-2.0

import type { ExecEvent } from "../log/event.ts";
import type { Execution } from "./namespace-facts.ts";

/** Executions that are remembered, twice: those used lately and those used before. */
const REMEMBERED = 50_000;

let recent = new Map<string, Execution>();
let earlier: ReadonlyMap<string, Execution> = new Map();

/**
 * What `event` executed, without whose it is, in memory of its own. Containers execute the same everywhere, so equal
 * executions are mostly one object, of whatever node: to be compared by what they say, though, for not all are
 * remembered.
 */
export function internExecution({ how, path, digest, fsMagic, flags }: ExecEvent): Execution {
  // With its length, for the bytes of a digest may look like the beginning of a path.
  const content = digest && `${digest.algorithm} ${digest.value.length} ${latin1(digest.value)}`;
  const key = `${how} ${fsMagic} ${flags} ${content} ${path}`;
  const known = recent.get(key);
  if (known) return known;
  const execution = earlier.get(key) ?? {
    how,
    path,
    digest: digest && { algorithm: digest.algorithm, value: new Uint8Array(digest.value) },
    fsMagic,
    flags,
  };
  if (recent.size === REMEMBERED) {
    earlier = recent;
    recent = new Map();
  }
  recent.set(key, execution);
  return execution;
}

function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}
