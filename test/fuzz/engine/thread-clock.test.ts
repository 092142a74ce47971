// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { threadClock } from "./thread-clock.ts";

it("goes on while the thread works", () => {
  const clock = threadClock();
  const start = clock();
  // However long it takes: a clock that stands still would never let it end.
  while (clock() < start + 20);
  expect(clock()).toBeGreaterThan(start);
});
