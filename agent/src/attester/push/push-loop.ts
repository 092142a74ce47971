// SPDX-License-Identifier: Apache-2.0

import {
  decodeChallenge,
  decodeEvidenceAnswer,
  type EvidenceAnswer,
  encodeChallengeRequest,
} from "@nsattest/protocol";
import { type HttpsClient, jsonBody } from "../https-client.ts";
import type { MonitorClient } from "../monitor-client.ts";

/** What one round needs. */
export interface PushParts {
  readonly verifier: HttpsClient;
  readonly monitor: MonitorClient;
  readonly nodeId: string;
}

/** How rounds follow each other. */
export interface PushPace {
  /** Resolves after so many milliseconds, or at once when the loop is to end. */
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly onRound: (answer: EvidenceAnswer) => void;
  readonly onFailure: (error: unknown, retryMs: number) => void;
}

export const FIRST_RETRY_MS = 500;
export const LAST_RETRY_MS = 10_000;

/**
 * One round: asks the verifier what it wants, the monitor for evidence of just that, and carries it over. What the evidence says is none
 * of this process's business: it passes the monitor's bytes on.
 *
 * @throws AttesterError, ProtocolError
 */
export async function pushOnce(
  { verifier, monitor, nodeId }: PushParts,
  signal: AbortSignal,
): Promise<EvidenceAnswer> {
  const { bootId } = await monitor.ask({ op: "identity" });
  const path = `/v1/nodes/${nodeId}`;
  const request = jsonBody(encodeChallengeRequest({ bootId }));
  const { nonce, listOffset, logOffset, bank, pcrs, bootLog } = decodeChallenge(
    await verifier.post(`${path}/challenge`, request, signal),
  );
  const wanted = { nonce, listOffset, logOffset, bank, pcrs, bootLog };
  const { evidence } = await monitor.ask({ op: "evidence", ...wanted });
  const body = { type: "application/cbor", bytes: evidence } as const;
  return decodeEvidenceAnswer(await verifier.post(`${path}/evidence`, body, signal));
}

/** Pushes until `signal` aborts: at the verifier's pace after a success, never without a pause, with growing ones after failures. */
export async function pushForever(
  parts: PushParts,
  pace: PushPace,
  signal: AbortSignal,
): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      const answer = await pushOnce(parts, signal);
      pace.onRound(answer);
      retryMs = FIRST_RETRY_MS;
      await pace.pause(Math.max(answer.nextIntervalSeconds * 1000, FIRST_RETRY_MS));
    } catch (error) {
      if (signal.aborted) return;
      pace.onFailure(error, retryMs);
      await pace.pause(retryMs);
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
    }
  }
}
