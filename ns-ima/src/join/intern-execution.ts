// SPDX-License-Identifier: Apache-2.0

import type { ExecEvent } from "../log/event.ts";
import type { Execution } from "./namespace-facts.ts";
import { Recollection } from "./recollection.ts";

const executions = new Recollection<Execution>(50_000);

/**
 * What `event` executed, without whose it is, in memory of its own. Containers execute the same everywhere, so equal
 * executions are mostly one object, of whatever node: to be compared by what they say, though, for not all are
 * remembered.
 */
export function internExecution({ how, path, digest, fsMagic, flags }: ExecEvent): Execution {
  // With its length, for the bytes of a digest may look like the beginning of a path.
  const content = digest && `${digest.algorithm} ${digest.value.length} ${latin1(digest.value)}`;
  return executions.of(`${how} ${fsMagic} ${flags} ${content} ${path}`, () => ({
    how,
    path,
    digest: digest && { algorithm: digest.algorithm, value: new Uint8Array(digest.value) },
    fsMagic,
    flags,
  }));
}

function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}
