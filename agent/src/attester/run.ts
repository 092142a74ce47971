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

/** A quote of a slow chip, waiting behind another one. */
const MONITOR_TIMEOUT_MS = 30_000;
const VERIFIER_TIMEOUT_MS = 30_000;
const ANSWER_MAX = 64 * 1024;
const ENROL_RETRY_MS = 2_000;

/**
 * An attester from its start until `stop`: enrols, then pushes evidence, and enrols again in time for a new certificate. Nothing that a
 * service or the monitor does ends it.
 *
 * @throws AttesterError `ENROL_FILE` when its own folder cannot be used
 */
export async function runAttester(config: AttesterConfig, stop: AbortSignal): Promise<void> {
  const nodeId = await loadNodeId(`${config.stateFolder}/node-id`);
  const monitor = createMonitorClient(config.monitorSocket, MONITOR_TIMEOUT_MS);
  let renew = false;
  while (!stop.aborted) {
    const enrolment = await enrolWithPatience(config, { nodeId, monitor, renew }, stop);
    if (enrolment === null) return;
    log("info", "node is enrolled", { nodeId, renewAt: enrolment.renewAt.toISOString() });
    const renewal = AbortSignal.timeout(millisecondsUntil(enrolment.renewAt));
    const until = AbortSignal.any([stop, renewal]);
    renew = (await push(config, { nodeId, enrolment, monitor }, until)) === "forgotten";
  }
}

/** Timers of Node hold 31 bits of milliseconds: looking again earlier is harmless. */
function millisecondsUntil(time: Date): number {
  return Math.min(Math.max(time.getTime() - Date.now(), 1), 2 ** 31 - 1);
}

async function enrolWithPatience(
  config: AttesterConfig,
  node: { readonly nodeId: string; readonly monitor: MonitorClient; readonly renew: boolean },
  stop: AbortSignal,
): Promise<Enrolment | null> {
  const { nodeId, monitor, renew } = node;
  while (!stop.aborted) {
    try {
      return await enrol({
        registrarUrl: config.registrar,
        nodeId,
        tpm: {
          identity: () => monitor.ask({ op: "identity" }),
          activate: async (wrapped) =>
            (await monitor.ask({ op: "activate", ...pick(wrapped) })).credential,
        },
        caFile: config.caFile,
        tlsKeyFile: `${config.stateFolder}/tls.key`,
        enrolmentFile: `${config.stateFolder}/enrolment.json`,
        renew,
        now: () => new Date(),
        signal: stop,
      });
    } catch (error) {
      if (error instanceof AttesterError && error.code === "ENROL_FILE") throw error;
      log("warn", "enrolment is put off", { error: String(error), retryMs: ENROL_RETRY_MS });
      await pause(ENROL_RETRY_MS, stop);
    }
  }
  return null;
}

function pick({ credentialBlob, secret }: { credentialBlob: Uint8Array; secret: Uint8Array }): {
  credentialBlob: Uint8Array;
  secret: Uint8Array;
} {
  return { credentialBlob, secret };
}

/** Pushes until `signal` aborts, or until the verifier learns from the registrar that the node is not enrolled. */
async function push(
  config: AttesterConfig,
  node: { readonly nodeId: string; readonly enrolment: Enrolment; readonly monitor: MonitorClient },
  signal: AbortSignal,
): Promise<"ended" | "forgotten"> {
  const forgotten = new AbortController();
  const until = AbortSignal.any([signal, forgotten.signal]);
  const { ca, certificate, key } = node.enrolment;
  const verifier = createHttpsClient({
    url: config.verifier,
    ca,
    role: "verifier",
    own: { certificate, key },
    timeoutMs: VERIFIER_TIMEOUT_MS,
    maxAnswerBytes: ANSWER_MAX,
  });
  let reported = "";
  const report = (state: string, write: () => void): void => {
    // The same news every few seconds would bury the rest.
    if (state !== reported) write();
    reported = state;
  };
  await pushForever(
    { verifier, monitor: node.monitor, nodeId: node.nodeId },
    {
      pause: (milliseconds) => pause(milliseconds, until),
      onRound: (answer) =>
        report(answer.host, () => log("info", "evidence is accepted", { ...answer })),
      onFailure: (error, retryMs) => {
        report(String(error), () =>
          log("warn", "evidence is put off", { error: String(error), retryMs }),
        );
        if (isForgotten(error)) forgotten.abort();
      },
    },
    until,
  );
  return forgotten.signal.aborted ? "forgotten" : "ended";
}

/** The registrar knows no such node any more, or another AK of it: a certificate that is still good does not help then. */
function isForgotten(error: unknown): boolean {
  return error instanceof AttesterError && error.refusal?.code === "NODE_UNKNOWN";
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal }).catch(() => undefined);
}
