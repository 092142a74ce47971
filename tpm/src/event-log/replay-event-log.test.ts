// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codeOf } from "../../test/code-of.ts";
import { type EventLogVector, readEventLog, readSeabiosLog } from "../../test/event-log-vector.ts";
import { digest, type HashName } from "../hash-algorithm.ts";
import { encodeEventLog } from "./encode-event-log.ts";
import { parseEventLog, STARTUP_LOCALITY } from "./event-log.ts";
import { EventType } from "./event-type.ts";
import { replayEventLog } from "./replay-event-log.ts";

/** PCRs that only what boots the machine extends. */
const OF_BOOT = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14];

const VECTORS: readonly (readonly [string, EventLogVector])[] = [
  ["OVMF, 6.1", readEventLog("6.1")],
  ["OVMF, 6.12", readEventLog("6.12")],
  ["SeaBIOS, 6.12", readSeabiosLog()],
];
const BANKS = VECTORS.flatMap(([name, vector]) =>
  (Object.keys(vector.pcrs) as HashName[]).map((bank) => [name, bank, vector] as const),
);

function hexOf(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? []).toString("hex");
}

describe("replayEventLog", () => {
  it.each(BANKS)("leads to the PCRs of the TPM: %s, %s", (_, bank, { log, pcrs }) => {
    const replayed = replayEventLog(parseEventLog(log), bank);
    expect(OF_BOOT.map((index) => hexOf(replayed[index]))).toEqual(
      OF_BOOT.map((index) => pcrs[bank]?.[index]),
    );
  });

  it.each(["6.1", "6.12"] as const)("explains IMA's aggregate on %s", (kernel) => {
    const { log, aggregate } = readEventLog(kernel);
    const pcrs = replayEventLog(parseEventLog(log), "sha256");
    expect(`sha256:${hexOf(digest("sha256", ...pcrs.slice(0, 10)))}`).toBe(aggregate);
  });

  it("begins PCR 0, and no other, with the locality that the TPM was started from", () => {
    const extended = new Uint8Array(32).fill(7);
    const digests = new Map([["sha256", extended]] as const);
    const said = { pcr: 0, type: EventType.NO_ACTION, digests: new Map(), data: locality(3) };
    const events = [0, 1].map((pcr) => ({ pcr, type: 4, digests, data: new Uint8Array() }));
    const log = encodeEventLog({ banks: ["sha256"], events: [said, ...events] });
    const [first, second, third] = replayEventLog(parseEventLog(log), "sha256");
    const start = new Uint8Array(32);
    expect(second).toEqual(digest("sha256", start, extended));
    expect(third).toEqual(start);
    start[31] = 3;
    expect(first).toEqual(digest("sha256", start, extended));
  });

  it("refuses a bank that the log has no digests of", () => {
    expect(codeOf(() => replayEventLog(parseEventLog(readEventLog("6.1").log), "sha512"))).toBe(
      "EVENT_LOG",
    );
  });
});

function locality(value: number): Uint8Array {
  return new Uint8Array([...STARTUP_LOCALITY, value]);
}
