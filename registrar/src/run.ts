// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { loadAuthority } from "./ca/load.ts";
import type { RegistrarConfig } from "./config.ts";
import type { WaysIn } from "./enrol/admission.ts";
import { loadEkTrust } from "./enrol/ek-trust.ts";
import { PendingEnrolments } from "./enrol/pending-enrolments.ts";
import { RegistrarError } from "./error.ts";
import type { Log } from "./log.ts";
import { tlsPeer } from "./peer.ts";
import { buildServer } from "./server.ts";
import { Store } from "./store/store.ts";

export interface RegistrarSurroundings {
  readonly log: Log;
  readonly now: () => Date;
  /** Ends the registrar. */
  readonly signal: AbortSignal;
  /** Is given what reads the EK issuers anew, for as long as the registrar runs. */
  readonly onReload?: (reload: () => Promise<void>) => void;
  /** Told the address once it listens. */
  readonly onListening?: (address: AddressInfo) => void;
}

/**
 * Runs a registrar until `signal` aborts; requests under way are answered first.
 *
 * @throws RegistrarError `CA_*`, `EK_TRUST_UNREADABLE`, `STORE_FAILED`, `LISTEN_FAILED`
 */
export async function runRegistrar(
  config: RegistrarConfig,
  { log, now, signal, onReload, onListening }: RegistrarSurroundings,
): Promise<void> {
  const authority = await loadAuthority(config.caDir, now());
  let ways = await readWays(config, log);
  onReload?.(async () => {
    try {
      ways = await readWays(config, log);
      log("ek-issuers-read", { ekRoots: ways.ekCertificate?.roots.length ?? 0 });
    } catch (error) {
      // What was good goes on.
      log("fault", { code: "EK_TRUST_UNREADABLE", detail: String(error) });
    }
  });
  const store = new Store(config.database);
  try {
    const server = buildServer({
      desk: {
        ways: () => ways,
        certificateHours: config.certificateHours,
        store,
        pending: new PendingEnrolments(),
        ca: authority.ca,
        now,
        random: randomBytes,
      },
      own: authority.server,
      log,
      peerOf: tlsPeer,
    });
    try {
      await listen(() => server.listen({ ...config.listen, signal }));
      const address = server.server.address();
      if (address !== null && typeof address === "object") {
        log("registrar-started", { ...address, ekRoots: ways.ekCertificate?.roots.length ?? 0 });
        onListening?.(address);
      }
      await aborted(signal);
    } finally {
      await server.close();
    }
  } finally {
    store.close();
  }
  log("registrar-stopped", {});
}

/** @throws RegistrarError `EK_TRUST_UNREADABLE` */
async function readWays({ enrolment }: RegistrarConfig, log: Log): Promise<WaysIn> {
  const { ekCertificate: folders, ekHash, joinToken } = enrolment;
  const ekCertificate = folders && (await loadEkTrust(folders.roots, folders.intermediates));
  if (ekCertificate?.roots.length === 0) log("no-ek-roots", { folder: folders?.roots ?? null });
  return { ekCertificate, ekHash, joinToken };
}

async function listen(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RegistrarError("LISTEN_FAILED", why, { cause });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
