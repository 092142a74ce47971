// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { HOOK_REQUEST_MAX, MONITOR_REQUEST_MAX, ProtocolError } from "@nsattest/protocol";
import { TpmError } from "@nsattest/tpm";
import { AgentError } from "../../error.ts";
import type { log } from "../../log.ts";
import type { MonitorTpm } from "../anchor/tpm-port.ts";
import type { Monitor } from "../monitor.ts";
import type { KernelFolders } from "../registry/process.ts";
import { answerAgent } from "./agent-requests.ts";
import { type FrameServer, serveFrames } from "./frame-server.ts";
import { answerHook } from "./hook-requests.ts";

/** What is served with, and how waiting is done. */
export interface ServingParts {
  readonly monitor: Pick<Monitor, "open" | "close" | "drain" | "flush" | "evidence">;
  readonly tpm: Pick<MonitorTpm, "identity" | "activate">;
  readonly bootId: string;
  /** Where the sockets are made. */
  readonly runFolder: string;
  readonly kernelFolders: KernelFolders;
  /** Calls back again and again while the ring holds records; gives the function that ends it. */
  readonly whenRingReadable: (onReadable: () => void) => () => void;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly report: typeof log;
  readonly onReady: () => void;
}

/** True when the work was done, false when it may be tried again. */
type Attempt = (work: () => void | Promise<void>) => Promise<boolean>;

/** Between two extends at least; a quote does not wait for it. */
export const ANCHOR_INTERVAL_MS = 250;
/** After a failure that may mend itself. */
export const RETRY_MS = 1_000;

const HOOK_IDLE_MS = 10_000;
/** A burst of container starts: who may connect is root, and a hook that is turned away stops its container. */
const HOOK_CONNECTIONS = 4_096;
const AGENT_IDLE_MS = 300_000;
/** The agent needs one, and an answer may hold an evidence of the largest size. */
const AGENT_CONNECTIONS = 4;

/**
 * Answers hook and agent, takes what the ring holds into the log and the log into the TPM, until `stop` or until something fails that
 * no later attempt can mend. Takes a last look at the ring then.
 *
 * @throws AgentError, TpmError what failed; what the system says when a socket cannot be made
 */
export async function serveNode(parts: ServingParts, stop: AbortSignal): Promise<void> {
  const { monitor, report } = parts;
  const failed = new AbortController();
  const ended = AbortSignal.any([stop, failed.signal]);
  const attempt: Attempt = async (work) => {
    try {
      await work();
      return true;
    } catch (error) {
      if (passes(error)) report("warn", "work is put off", { error: String(error) });
      else failed.abort(error);
      return false;
    }
  };
  const servers: FrameServer[] = [];
  try {
    servers.push(await serveHook(parts));
    servers.push(await serveAgent(parts));
    const endWatching = watchRing(parts, attempt, ended);
    const anchoring = keepAnchoring(parts, attempt, ended);
    parts.onReady();
    if (!ended.aborted) await once(ended, "abort");
    endWatching();
    await anchoring;
  } finally {
    for (const server of servers) server.close();
  }
  if (failed.signal.aborted) throw failed.signal.reason;
  // Programs and ring go on without us; what they saw until now is still read.
  monitor.drain();
  await monitor.flush();
}

/** A TPM that does not answer and a full disk may mend themselves; nothing was given back to the kernel meanwhile. */
function passes(error: unknown): boolean {
  return error instanceof TpmError || (error instanceof AgentError && error.code === "LOG_IO");
}

function watchRing(
  { monitor, whenRingReadable, pause }: ServingParts,
  attempt: Attempt,
  ended: AbortSignal,
): () => void {
  let endPolling = (): void => undefined;
  const onReadable = async (): Promise<void> => {
    if (await attempt(() => monitor.drain())) return;
    // What could not be taken keeps the ring readable: without a pause this would be called again at once.
    endPolling();
    await pause(RETRY_MS, ended);
    if (!ended.aborted) begin();
  };
  const begin = (): void => {
    endPolling = whenRingReadable(() => void onReadable());
  };
  begin();
  return () => endPolling();
}

async function keepAnchoring(
  { monitor, pause }: ServingParts,
  attempt: Attempt,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    const done = await attempt(() => monitor.flush());
    await pause(done ? ANCHOR_INTERVAL_MS : RETRY_MS, ended);
  }
}

function serveHook({
  monitor,
  kernelFolders,
  runFolder,
  report,
}: ServingParts): Promise<FrameServer> {
  return serveFrames({
    path: `${runFolder}/hook.sock`,
    mode: 0o600,
    maxRequestBytes: HOOK_REQUEST_MAX,
    maxConnections: HOOK_CONNECTIONS,
    idleMilliseconds: HOOK_IDLE_MS,
    answer: async (payload) => answerHook(monitor, kernelFolders, payload),
    onBadPeer: (error) => report("warn", troubleOf(error), { peer: "hook", error: String(error) }),
  });
}

function serveAgent({
  monitor,
  tpm,
  bootId,
  runFolder,
  report,
}: ServingParts): Promise<FrameServer> {
  return serveFrames({
    path: `${runFolder}/monitor.sock`,
    mode: 0o660,
    maxRequestBytes: MONITOR_REQUEST_MAX,
    maxConnections: AGENT_CONNECTIONS,
    idleMilliseconds: AGENT_IDLE_MS,
    answer: (payload) => answerAgent(monitor, tpm, bootId, payload),
    onBadPeer: (error) => report("warn", troubleOf(error), { peer: "agent", error: String(error) }),
  });
}

/** A hook leaves when its deadline has passed: a slow monitor, not a bad hook. */
function troubleOf(error: unknown): string {
  return error instanceof ProtocolError
    ? "a peer sent what is no message"
    : "a peer left without its answer";
}
