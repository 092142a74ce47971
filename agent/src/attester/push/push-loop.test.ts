// SPDX-License-Identifier: Apache-2.0

import { type EvidenceAnswer, encodeChallenge, encodeEvidenceAnswer } from "@nsattest/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { AttesterError } from "../error.ts";
import type { HttpsClient, RequestBody } from "../https-client.ts";
import type { MonitorClient } from "../monitor-client.ts";
import {
  FIRST_RETRY_MS,
  LAST_RETRY_MS,
  type PushPace,
  type PushParts,
  pushForever,
  pushOnce,
} from "./push-loop.ts";

const NODE_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const BOOT_ID = "1d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const CHALLENGE = {
  nonce: new Uint8Array(32).fill(7),
  listOffset: 100,
  logOffset: 3,
  bank: "sha256",
  pcrs: [10, 13],
  bootLog: true,
  deadline: "2026-01-31T12:00:00.000Z",
} as const;
const ANSWER: EvidenceAnswer = { host: "affirming", namespaces: 2, nextIntervalSeconds: 5 };
const GONE = new AttesterError("HTTPS_UNREACHABLE", "nobody listens");

/** What the verifier answers, one after the other: to a challenge, to evidence, to a challenge. Errors are thrown. */
let answers: unknown[];
let posted: { path: string; body: RequestBody }[];
let asked: unknown[];
let stop: AbortController;

beforeEach(() => {
  answers = [];
  posted = [];
  asked = [];
  stop = new AbortController();
});

const verifier: HttpsClient = {
  async post(path, body) {
    posted.push({ path, body });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  },
};

const monitor: MonitorClient = {
  async ask(request) {
    asked.push(request);
    const answer =
      request.op === "identity" ? { bootId: BOOT_ID } : { evidence: Uint8Array.of(1, 2, 3) };
    return answer as never;
  },
};

const PARTS: PushParts = { verifier, monitor, nodeId: NODE_ID };

function round(answer: EvidenceAnswer = ANSWER): unknown[] {
  return [encodeChallenge(CHALLENGE), encodeEvidenceAnswer(answer)];
}

describe("a round", () => {
  it("carries what the verifier asks to the monitor, and what that gives back", async () => {
    answers = round();
    expect(await pushOnce(PARTS, stop.signal)).toEqual(ANSWER);
    const { nonce, listOffset, logOffset, bank, pcrs, bootLog } = CHALLENGE;
    expect(asked).toEqual([
      { op: "identity" },
      { op: "evidence", nonce, listOffset, logOffset, bank, pcrs, bootLog },
    ]);
    expect(posted).toEqual([
      {
        path: `/v1/nodes/${NODE_ID}/challenge`,
        body: { type: "application/json", bytes: Buffer.from(JSON.stringify({ bootId: BOOT_ID })) },
      },
      {
        path: `/v1/nodes/${NODE_ID}/evidence`,
        body: { type: "application/cbor", bytes: Uint8Array.of(1, 2, 3) },
      },
    ]);
  });

  it.each([
    ["challenge", [{ nonce: "no" }]],
    ["answer", [encodeChallenge(CHALLENGE), { host: "fine" }]],
  ])("refuses a %s that is none", async (_, given) => {
    answers = given;
    await expect(pushOnce(PARTS, stop.signal)).rejects.toMatchObject({ name: "ProtocolError" });
  });
});

describe("pushing", () => {
  /** Pushes until `stopAfter` waits were made; returns how long they were. */
  async function waits(stopAfter: number, over: Partial<PushPace> = {}): Promise<number[]> {
    const found: number[] = [];
    await pushForever(
      PARTS,
      {
        pause: async (milliseconds) => {
          found.push(milliseconds);
          if (found.length === stopAfter) stop.abort();
        },
        onRound: () => undefined,
        onFailure: () => undefined,
        ...over,
      },
      stop.signal,
    );
    return found;
  }

  it("goes at the verifier's pace", async () => {
    answers = [...round(), ...round({ ...ANSWER, nextIntervalSeconds: 60 })];
    const rounds: EvidenceAnswer[] = [];
    expect(await waits(2, { onRound: (answer) => rounds.push(answer) })).toEqual([5000, 60_000]);
    expect(rounds).toEqual([ANSWER, { ...ANSWER, nextIntervalSeconds: 60 }]);
  });

  it("never goes without a pause, whatever the verifier says", async () => {
    answers = round({ ...ANSWER, nextIntervalSeconds: 0 });
    expect(await waits(1)).toEqual([FIRST_RETRY_MS]);
  });

  it("waits longer after each failure, up to a limit, and is quick again after a success", async () => {
    answers = [...Array(7).fill(GONE), ...round(), GONE];
    const failures: number[] = [];
    const paused = await waits(9, { onFailure: (_, retryMs) => failures.push(retryMs) });
    expect(paused).toEqual([500, 1000, 2000, 4000, 8000, LAST_RETRY_MS, LAST_RETRY_MS, 5000, 500]);
    expect(failures).toEqual(paused.filter((milliseconds) => milliseconds !== 5000));
  });

  it("survives whatever goes wrong in a round", async () => {
    answers = [{}, new TypeError("a fault of ours"), ...round()];
    const failures: unknown[] = [];
    await waits(3, { onFailure: (error) => failures.push(error) });
    expect(failures).toMatchObject([{ name: "ProtocolError" }, { name: "TypeError" }]);
  });

  it("ends silently when it is stopped within a round", async () => {
    const failures: unknown[] = [];
    const stopping: HttpsClient = {
      async post() {
        stop.abort();
        throw GONE;
      },
    };
    await pushForever(
      { ...PARTS, verifier: stopping },
      {
        pause: async () => undefined,
        onRound: () => undefined,
        onFailure: (error) => failures.push(error),
      },
      stop.signal,
    );
    expect(failures).toEqual([]);
  });

  it("does nothing when it was stopped before", async () => {
    stop.abort();
    expect(await waits(1)).toEqual([]);
    expect(asked).toEqual([]);
  });
});
