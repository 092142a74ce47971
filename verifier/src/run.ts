// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createSecureContext } from "node:tls";
import { ChallengeBook } from "./challenge/challenge-book.ts";
import type { VerifierConfig } from "./config.ts";
import { VerifierError } from "./error.ts";
import type { Log } from "./log.ts";
import { tlsPeer } from "./peer.ts";
import { readPolicyFolder } from "./policy/policy-folder.ts";
import { createRegistrarClient } from "./registrar-client.ts";
import { buildServer } from "./server.ts";
import { Store } from "./store/store.ts";
import { Verifier } from "./verifier.ts";

export interface VerifierSurroundings {
  readonly log: Log;
  readonly now: () => Date;
  /** Ends the verifier. */
  readonly signal: AbortSignal;
  /** Told the address once it listens. */
  readonly onListening?: (address: AddressInfo) => void;
}

/** How long a node has between challenge and evidence: a slow TPM's quote and a long list included. */
const CHALLENGE_SECONDS = 60;
/** More than one, for an agent that was restarted between challenge and evidence. */
const OUTSTANDING_CHALLENGES = 4;
const REGISTRAR_TIMEOUT_MS = 10_000;

/**
 * Runs a verifier until `signal` aborts; requests under way are answered first.
 *
 * @throws VerifierError `CONFIG_INVALID` for certificates and keys that cannot be used, `POLICY_INVALID`,
 *   `STORE_FAILED`, `LISTEN_FAILED`
 */
export async function runVerifier(
  config: VerifierConfig,
  { log, now, signal, onListening }: VerifierSurroundings,
): Promise<void> {
  const { intervalSeconds, validSeconds, pendingSeconds } = config;
  const tls = await readTls(config.tls);
  const policies = await readPolicyFolder(config.policies);
  if (policies.host === null) log("no-node-policy", { folder: config.policies });
  const store = Store.open(config.database);
  try {
    const verifier = new Verifier({
      store,
      registrar: createRegistrarClient({
        url: config.registrar.url,
        tls,
        timeoutMs: REGISTRAR_TIMEOUT_MS,
      }),
      challenges: new ChallengeBook({
        randomBytes,
        lifetimeSeconds: CHALLENGE_SECONDS,
        outstandingPerNode: OUTSTANDING_CHALLENGES,
      }),
      policies,
      log,
      now,
      intervalSeconds,
      validSeconds,
      pendingSeconds,
    });
    const server = buildServer({ verifier, tls, log, peerOf: tlsPeer });
    try {
      await listen(() => server.listen({ ...config.listen, signal }));
      const address = server.server.address();
      if (address !== null && typeof address === "object") {
        log("verifier-started", { ...address, policies: policies.version });
        onListening?.(address);
      }
      await aborted(signal);
    } finally {
      await server.close();
    }
  } finally {
    store.close();
  }
  log("verifier-stopped", {});
}

/** PEM texts, which fit together. */
async function readTls(paths: VerifierConfig["tls"]): Promise<VerifierConfig["tls"]> {
  const [ca = "", certificate = "", key = ""] = await Promise.all(
    [paths.ca, paths.certificate, paths.key].map(async (path) => {
      try {
        return await readFile(path, "utf8");
      } catch (cause) {
        throw new VerifierError("CONFIG_INVALID", `${path} cannot be read`, { cause });
      }
    }),
  );
  try {
    createSecureContext({ ca, cert: certificate, key });
  } catch (cause) {
    throw new VerifierError("CONFIG_INVALID", "TLS cannot use the key and certificates", { cause });
  }
  return { ca, certificate, key };
}

async function listen(start: () => Promise<unknown>): Promise<void> {
  try {
    await start();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new VerifierError("LISTEN_FAILED", why, { cause });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
