// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { setImmediate } from "node:timers/promises";
import { HOOK_REQUEST_MAX, MONITOR_REQUEST_MAX } from "@nsattest/protocol";
import { TpmError } from "@nsattest/tpm";
import { AgentError } from "../error.ts";
import { log as report } from "../log.ts";
import { whenReadable } from "../sys/ffi.ts";
import { openDeviceFile } from "../tpm-device/device-file.ts";
import { Tpm } from "../tpm-device/tpm.ts";
import { VERSION } from "../version.ts";
import { Anchor } from "./anchor/anchor.ts";
import { NodeTpm } from "./anchor/node-tpm.ts";
import type { MonitorConfig } from "./config.ts";
import { beginLog } from "./log/begin.ts";
import { LogFile } from "./log/log-file.ts";
import { NamespaceLog } from "./log/namespace-log.ts";
import { Monitor } from "./monitor.ts";
import { KERNEL_FOLDERS, namespaceId } from "./registry/process.ts";
import { Registry } from "./registry/registry.ts";
import { runningContainers } from "./registry/running.ts";
import { answerAgent } from "./serve/agent-requests.ts";
import { serveFrames } from "./serve/frame-server.ts";
import { answerHook } from "./serve/hook-requests.ts";
import { HostList } from "./source/host-list.ts";
import { Losses } from "./source/losses.ts";
import { KernelPrograms } from "./source/programs.ts";

/** Between two extends at least; a quote does not wait for it. */
const ANCHOR_INTERVAL_MS = 250;
const HOOK_IDLE_MS = 10_000;
const AGENT_IDLE_MS = 300_000;

/**
 * A monitor from its start to `stop`. The log's lock is taken before the TPM is opened: of two monitors the second ends here and
 * touches nothing.
 *
 * @throws AgentError, TpmError when it cannot start, or later when the log and the TPM no longer fit
 */
export async function runMonitor(config: MonitorConfig, stop: AbortSignal): Promise<void> {
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
  const file = new LogFile(`${config.runFolder}/namespace.log`);
  const log = new NamespaceLog(file, random);
  const programs = new KernelPrograms(config.pinFolder);
  // What is in the log was safe before it was released: a monitor that died between the two reads on behind it.
  if (file.ringPosition > programs.ring.position) programs.ring.release(file.ringPosition);
  const hostList = new HostList(config.hostList, `${config.runFolder}/host-list.spool`);
  const tpm = await NodeTpm.open(
    new Tpm(await openDeviceFile(config.tpmDevice)),
    `${config.stateFolder}/attestation.key`,
  );
  const { resetCount, restartCount } = await tpm.clock();
  const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const { boot, fresh } = await beginLog(
    log,
    { bootId, kernel: release(), resetCount, restartCount },
    {
      baseline: () => tpm.readAnchor("sha256"),
      hostEntries: () => programs.hostEntries(),
      programs: () => programs.identities(),
      version: VERSION,
      random,
    },
  );
  const host = {
    mountNamespace: namespaceId(1, "mnt", KERNEL_FOLDERS),
    pidNamespace: namespaceId(1, "pid", KERNEL_FOLDERS),
  };
  const registry = new Registry(host, random);
  const losses = new Losses(programs, (cgroup) => registry.cgroupOwner(cgroup));
  for (const event of log.history()) {
    registry.learn(event);
    losses.learn(event);
  }
  const anchor = new Anchor(tpm, file, boot.baseline);
  const monitor = new Monitor({
    programs,
    losses,
    hostList,
    log,
    registry,
    anchor,
    tpm,
    yieldTurn: () => setImmediate(),
  });
  if (fresh) for (const place of runningContainers(host, KERNEL_FOLDERS)) monitor.openLate(place);
  await monitor.flush();

  const failed = new AbortController();
  const attempt = (work: () => void | Promise<void>) => async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!passes(error)) failed.abort(error);
      else report("warn", "work is put off", { error: String(error) });
    }
  };
  const endPolling = whenReadable(
    programs.ringFd,
    attempt(() => monitor.drain()),
  );
  const timer = setInterval(
    attempt(() => monitor.flush()),
    ANCHOR_INTERVAL_MS,
  );
  const badPeer = (error: unknown): void =>
    report("warn", "a peer sent what is no message", { error: String(error) });
  const servers = await Promise.all([
    serveFrames({
      path: `${config.runFolder}/hook.sock`,
      mode: 0o600,
      maxRequestBytes: HOOK_REQUEST_MAX,
      idleMilliseconds: HOOK_IDLE_MS,
      answer: async (payload) => answerHook(monitor, KERNEL_FOLDERS, payload),
      onBadPeer: badPeer,
    }),
    serveFrames({
      path: `${config.runFolder}/monitor.sock`,
      mode: 0o660,
      maxRequestBytes: MONITOR_REQUEST_MAX,
      idleMilliseconds: AGENT_IDLE_MS,
      answer: (payload) => answerAgent(monitor, tpm, bootId, payload),
      onBadPeer: badPeer,
    }),
  ]);
  report("info", "monitor is ready", { bootId, fresh, ringPosition: programs.ring.position });

  await new Promise<void>((resolve) => {
    for (const signal of [stop, failed.signal])
      signal.addEventListener("abort", () => resolve(), { once: true });
  });
  clearInterval(timer);
  endPolling();
  for (const server of servers) server.close();
  // Programs and ring go on without us; what they saw until now is still read.
  if (failed.signal.aborted) throw failed.signal.reason;
  monitor.drain();
  await monitor.flush();
}

/** A TPM that does not answer and a full disk may mend themselves; nothing was given back to the kernel meanwhile. */
function passes(error: unknown): boolean {
  return error instanceof TpmError || (error instanceof AgentError && error.code === "LOG_IO");
}
