// SPDX-License-Identifier: Apache-2.0

import { setTimeout } from "node:timers/promises";
import { log } from "../log.ts";
import type { AttesterConfig } from "./config.ts";
import { type Enrolment, enrol } from "./enrol/enrol.ts";
import { AttesterError } from "./error.ts";
import { createHttpsClient } from "./https-client.ts";
import { createMonitorClient, type MonitorClient } from "./monitor-client.ts";
import { loadNodeId } from "./node-id.ts";
import { pushForever } from "./push/push-loop.ts";

/** How an attester tells the time, waits and speaks. */
export interface AttesterSurroundings {
  readonly now: () => Date;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly report: typeof log;
}

/** What all parts of one attester share. */
interface Attester extends AttesterSurroundings {
  readonly config: AttesterConfig;
  readonly nodeId: string;
  readonly monitor: MonitorClient;
  readonly stop: AbortSignal;
}

const REAL: AttesterSurroundings = {
  now: () => new Date(),
  pause: (milliseconds, signal) =>
    setTimeout(milliseconds, undefined, { signal }).catch(() => undefined),
  report: log,
};

/** A quote of a slow chip, waiting behind another one. */
const MONITOR_TIMEOUT_MS = 30_000;
const VERIFIER_TIMEOUT_MS = 30_000;
const ANSWER_MAX = 64 * 1024;
/** Before the next enrolment, whatever became of the last one. */
export const ENROL_PAUSE_MS = 2_000;
/** Between attempts to renew a certificate. A node whose clock is wrong finds every one old, and asks no more often. */
export const RENEWAL_MIN_MS = 60_000;
/** What timers of Node hold: looking again earlier is harmless. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** Refusals of the verifier that say that the registrar knows no such node, or another AK of it. */
const ENROL_AGAIN: ReadonlySet<string | null | undefined> = new Set([
  "NODE_UNKNOWN",
  "QUOTE_SIGNATURE",
]);

/**
 * An attester from its start until `stop`: enrols, then pushes evidence, and enrols again when the verifier knows the node or its key no
 * more. It renews its certificate beside that: a registrar that is down does not end the pushing while the certificate is good. Nothing
 * that a service or the monitor does ends it.
 *
 * @throws AttesterError `ENROL_FILE` when its own folder cannot be used
 */
export async function runAttester(
  config: AttesterConfig,
  stop: AbortSignal,
  surroundings: AttesterSurroundings = REAL,
): Promise<void> {
  const nodeId = await loadNodeId(`${config.stateFolder}/node-id`);
  const monitor = createMonitorClient(config.monitorSocket, MONITOR_TIMEOUT_MS, stop);
  const attester: Attester = { ...surroundings, config, nodeId, monitor, stop };
  let renew = false;
  while (!stop.aborted) {
    const enrolment = await enrolWithPatience(attester, renew);
    if (enrolment === null) return;
    attester.report("info", "node is enrolled", { nodeId, renewAt: enrolment.renewAt });
    renew = await pushUntilRenewed(attester, enrolment);
    await attester.pause(ENROL_PAUSE_MS, stop);
  }
}

/** Null when it was stopped first. */
async function enrolWithPatience(attester: Attester, renew: boolean): Promise<Enrolment | null> {
  const { stop, pause, report } = attester;
  const tell = onceEach();
  while (!stop.aborted) {
    try {
      return await enrolOnce(attester, renew, stop);
    } catch (error) {
      if (error instanceof AttesterError && error.code === "ENROL_FILE") throw error;
      const retryMs = ENROL_PAUSE_MS;
      tell(String(error), (text) =>
        report("warn", "enrolment is put off", { error: text, retryMs }),
      );
      await pause(ENROL_PAUSE_MS, stop);
    }
  }
  return null;
}

function enrolOnce(
  { config, nodeId, monitor, now }: Attester,
  renew: boolean,
  signal: AbortSignal,
): Promise<Enrolment> {
  return enrol({
    registrarUrl: config.registrar,
    nodeId,
    tpm: {
      identity: () => monitor.ask({ op: "identity" }),
      activate: async ({ credentialBlob, secret }) => {
        const answer = await monitor.ask({ op: "activate", credentialBlob, secret });
        return answer.credential;
      },
    },
    caFile: config.caFile,
    tlsKeyFile: `${config.stateFolder}/tls.key`,
    enrolmentFile: `${config.stateFolder}/enrolment.json`,
    joinTokenFile: config.joinTokenFile,
    renew,
    now,
    signal,
  });
}

/** Resolves when there is a new certificate on disk, or when `until` aborts. Whatever fails is tried again. */
async function renewInTime(
  attester: Attester,
  { renewAt }: Enrolment,
  until: AbortSignal,
): Promise<void> {
  const { now, pause, report } = attester;
  const tell = onceEach();
  let left = renewAt.getTime() - now().getTime();
  for (;;) {
    await pause(Math.min(Math.max(left, RENEWAL_MIN_MS), TIMER_MAX_MS), until);
    if (until.aborted) return;
    left = renewAt.getTime() - now().getTime();
    if (left > 0) continue;
    try {
      await enrolOnce(attester, true, until);
      return;
    } catch (error) {
      tell(String(error), (text) =>
        report("warn", "renewal is put off", { error: text, retryMs: RENEWAL_MIN_MS }),
      );
    }
  }
}

/** True when the certificate may still be good, but the node has to enrol from the beginning. */
async function pushUntilRenewed(attester: Attester, enrolment: Enrolment): Promise<boolean> {
  const { config, nodeId, monitor, stop, pause, report } = attester;
  const over = new AbortController();
  const until = AbortSignal.any([stop, over.signal]);
  const renewal = renewInTime(attester, enrolment, until).then(() => over.abort());
  const verifier = createHttpsClient({
    url: config.verifier,
    ca: enrolment.ca,
    role: "verifier",
    own: { certificate: enrolment.certificate, key: enrolment.key },
    timeoutMs: VERIFIER_TIMEOUT_MS,
    maxAnswerBytes: ANSWER_MAX,
  });
  const tell = onceEach();
  let enrolAgain = false;
  await pushForever(
    { verifier, monitor, nodeId },
    {
      pause: (milliseconds) => pause(milliseconds, until),
      onRound: (answer) =>
        tell(answer.host, () => report("info", "evidence is accepted", { ...answer })),
      onFailure: (error, retryMs) => {
        tell(String(error), (text) =>
          report("warn", "evidence is put off", { error: text, retryMs }),
        );
        enrolAgain = error instanceof AttesterError && ENROL_AGAIN.has(error.refusal?.code);
        if (enrolAgain) over.abort();
      },
    },
    until,
  );
  over.abort();
  // A renewal under way ends first: two at once would look like two machines.
  await renewal;
  return enrolAgain;
}

/** Says a thing unless it was the last one said: the same news every few seconds would bury the rest. */
function onceEach(): (news: string, say: (news: string) => void) => void {
  let last: string | null = null;
  return (news, say) => {
    if (news !== last) say(news);
    last = news;
  };
}
