// SPDX-License-Identifier: Apache-2.0

import { openSync, readSync } from "node:fs";

const NANOSECONDS_PER_MS = 1e6;

/**
 * A clock that goes on only while the calling thread has a processor, in milliseconds: what a decoder takes does not
 * depend on what else the machine does. As exact as the kernel's ticks.
 */
export function threadClock(): () => number {
  // Of the thread that opens it: time on a processor, time of waiting for one, times that it got one.
  const file = openSync("/proc/thread-self/schedstat", "r");
  const buffer = Buffer.alloc(128);
  return () => {
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return Number.parseInt(buffer.toString("latin1", 0, length), 10) / NANOSECONDS_PER_MS;
  };
}
