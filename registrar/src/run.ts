// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { loadAuthority } from "./ca/load.ts";
import type { RegistrarConfig } from "./config.ts";
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
  { log, now, signal, onListening }: RegistrarSurroundings,
): Promise<void> {
  const authority = await loadAuthority(config.caDir, now());
  const trust = await loadEkTrust(config.ekRoots, config.ekIntermediates);
  if (trust.roots.length === 0) log("no-ek-roots", { folder: config.ekRoots });
  const store = new Store(config.database);
  try {
    const server = buildServer({
      desk: {
        trust,
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
        log("registrar-started", { ...address, ekRoots: trust.roots.length });
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
