// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { setImmediate, setTimeout } from "node:timers/promises";
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
import { CodeBook } from "./registry/code-book.ts";
import { KERNEL_FOLDERS, namespaceId } from "./registry/process.ts";
import { Registry } from "./registry/registry.ts";
import { runningContainers } from "./registry/running.ts";
import { serveNode } from "./serve/serve-node.ts";
import { readBootLog } from "./source/boot-log.ts";
import { HostList } from "./source/host-list.ts";
import { Losses, samePrograms } from "./source/losses.ts";
import { KernelPrograms } from "./source/programs.ts";

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
  const hostList = new HostList(config.hostList, `${config.runFolder}/host-list.spool`);
  const tpm = await NodeTpm.open(
    new Tpm(await openDeviceFile(config.tpmDevice)),
    `${config.stateFolder}/attestation.key`,
    config.endorsementKey,
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
  // What is in the log was safe before it was released: a monitor that died between the two reads on behind it. The position is one
  // of the ring these programs write, and of no other.
  if (samePrograms(boot.programs, programs.identities())) programs.ring.skipTo(file.ringPosition);
  const host = {
    mountNamespace: namespaceId(1, "mnt", KERNEL_FOLDERS),
    pidNamespace: namespaceId(1, "pid", KERNEL_FOLDERS),
  };
  const registry = new Registry(host, random);
  const code = new CodeBook();
  const losses = new Losses(programs, (place) => registry.ownersOfLoss(place));
  for (const event of log.history()) {
    registry.learn(event);
    code.learn(event);
    losses.learn(event);
  }
  const anchor = new Anchor(tpm, file, boot.baseline);
  const monitor = new Monitor({
    programs,
    losses,
    hostList,
    log,
    registry,
    code,
    anchor,
    tpm,
    bootLog: () => readBootLog(config.bootLog),
    yieldTurn: () => setImmediate(),
  });
  if (fresh) monitor.openLate(runningContainers(host, KERNEL_FOLDERS));
  await monitor.flush();

  await serveNode(
    {
      monitor,
      tpm,
      bootId,
      runFolder: config.runFolder,
      kernelFolders: KERNEL_FOLDERS,
      whenRingReadable: (onReadable) => whenReadable(programs.ringFd, onReadable),
      pause: (milliseconds, signal) =>
        setTimeout(milliseconds, undefined, { signal }).catch(() => undefined),
      report,
      onReady: () =>
        report("info", "monitor is ready", { bootId, fresh, ringPosition: programs.ring.position }),
    },
    stop,
  );
}
