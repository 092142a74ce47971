// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runTpm2 } from "../../../test/fakes/tpm2-tools.ts";
import { readEventLog, readSeabiosLog } from "../../test/event-log-vector.ts";
import type { HashName } from "../hash-algorithm.ts";
import { parseEventLog } from "./event-log.ts";
import { eventTypeName } from "./event-type.ts";
import { replayEventLog } from "./replay-event-log.ts";

const folder = mkdtempSync(join(tmpdir(), "nsattest-events-"));
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ["OVMF, 6.1", readEventLog("6.1").log],
  ["OVMF, 6.12", readEventLog("6.12").log],
  ["SeaBIOS, 6.12", readSeabiosLog().log],
])("tpm2_eventlog reads the same in a log of %s", async (_, log) => {
  writeFileSync(join(folder, "log"), log);
  const text = await runTpm2("eventlog", ["log"], { cwd: folder });
  const parsed = parseEventLog(log);

  const types = [...text.matchAll(/^ {2}EventType: (\w+)$/gm)].map(([, name]) => name);
  expect(types.filter((name) => name !== "EV_NO_ACTION")).toEqual(
    parsed.events.map(({ type }) => eventTypeName(type)),
  );
  const [, replayed = ""] = text.split(/^pcrs:$/m);
  let bank = "sha1" as HashName;
  let compared = 0;
  for (const line of replayed.split("\n")) {
    bank = (/^ {2}(sha\d+):/.exec(line)?.[1] ?? bank) as HashName;
    const [, index, value] = /^ {4}(\d+) *: 0x([0-9a-f]+)$/.exec(line) ?? [];
    if (index === undefined) continue;
    const own = replayEventLog(parsed, bank)[Number(index)] ?? new Uint8Array();
    expect(Buffer.from(own).toString("hex")).toBe(value);
    compared++;
  }
  expect(compared).toBeGreaterThan(20);
});
