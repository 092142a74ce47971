// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import type { Tpm } from "../tpm-device/tpm.ts";
import type { Finding } from "./finding.ts";
import type { Host } from "./host.ts";

const TPM = "/sys/class/tpm/tpm0";
const NAMESPACE_LOG = "/run/nsattest/namespace.log";
const ANCHOR_PCR = 13;
const BANK = "sha256";
/** A quote a minute should not hold up the anchor, which has to be extended before each. */
const SLOW_QUOTE_MS = 2_000;

/** What the kernel says of the TPM. */
export function checkTpm(host: Host): readonly Finding[] {
  const version = host.read(`${TPM}/tpm_version_major`);
  if (version.kind !== "text" || version.text.trim() !== "2") {
    return [
      {
        ...{ check: "tpm", state: "missing" },
        says: version.kind === "text" ? `a TPM ${version.text.trim()}, not 2.0` : "no TPM",
        next: "enable the TPM 2.0 in the firmware; in a virtual machine, add a virtual one",
      },
    ];
  }
  const description = host.read(`${TPM}/device/description`);
  const kind = description.kind === "text" ? ` (${description.text.trim()})` : "";
  const banks = host.list(TPM).flatMap((name) => /^pcr-(.+)$/.exec(name)?.[1] ?? []);
  return [
    { check: "tpm", state: "ok", says: `TPM 2.0${kind}` },
    banks.includes(BANK)
      ? { check: "tpm-bank", state: "ok", says: `PCR banks: ${banks.join(", ")}` }
      : {
          ...{ check: "tpm-bank", state: "missing" },
          says: `PCR banks: ${banks.join(", ") || "unknown"}; the SHA-256 bank is not among them`,
          next: "tpm2_pcrallocate sha256:all, and reboot",
        },
    anchor(host),
  ];
}

function anchor(host: Host): Finding {
  const value = host.read(`${TPM}/pcr-${BANK}/${ANCHOR_PCR}`);
  if (value.kind !== "text") {
    return { check: "tpm-pcr", state: "unknown", says: `PCR ${ANCHOR_PCR} cannot be read` };
  }
  if (/^0+$/.test(value.text.trim())) {
    return { check: "tpm-pcr", state: "ok", says: `PCR ${ANCHOR_PCR} is free` };
  }
  // Whether the log leads to the value is for the monitor to check when it starts.
  switch (host.read(NAMESPACE_LOG).kind) {
    case "text":
      return {
        ...{ check: "tpm-pcr", state: "ok" },
        says: `PCR ${ANCHOR_PCR} is in use, and this node's log is there`,
      };
    case "denied":
      return {
        ...{ check: "tpm-pcr", state: "unknown" },
        says: `PCR ${ANCHOR_PCR} is in use; only root may see whether by this node's log`,
        next: "run it as root",
      };
    case "absent":
      return {
        ...{ check: "tpm-pcr", state: "missing" },
        says: `PCR ${ANCHOR_PCR} was extended by somebody else: no log could begin (ANCHOR_BASELINE)`,
        next: "find out what extends it at boot (systemd-stub with credentials or extensions does), and stop it",
      };
  }
}

/** Opens the TPM. Throws when it cannot. */
export type OpenTpm = () => Promise<Tpm>;

/**
 * What only the TPM itself can say: whether its vendor certified it, and how long it takes for a quote. Makes keys in the
 * TPM's memory and takes them away again; nothing stays.
 *
 * @param now milliseconds, for the time that a quote takes
 */
export async function askTpm(open: OpenTpm, now: () => number): Promise<readonly Finding[]> {
  let tpm: Tpm;
  try {
    tpm = await open();
  } catch (error) {
    return unanswered(error);
  }
  try {
    return [await ekCertificate(tpm), await quoteTime(tpm, now)];
  } catch (error) {
    return unanswered(error);
  } finally {
    await tpm.close();
  }
}

async function ekCertificate(tpm: Tpm): Promise<Finding> {
  return (await tpm.readEkCertificate()) === null
    ? {
        ...{ check: "tpm-ek-certificate", state: "limited" },
        says: "the TPM holds no certificate of its endorsement key: its registrar has to be told of the key",
      }
    : {
        check: "tpm-ek-certificate",
        state: "ok",
        says: "its vendor certified the endorsement key",
      };
}

async function quoteTime(tpm: Tpm, now: () => number): Promise<Finding> {
  const ek = await tpm.createEndorsementKey();
  try {
    const ak = await tpm.loadAttestationKey(ek, await tpm.createAttestationKey(ek));
    try {
      const start = now();
      await tpm.quote(ak, randomBytes(32), [{ bank: BANK, pcrs: [10, ANCHOR_PCR] }]);
      const milliseconds = Math.round(now() - start);
      const says = `a quote takes ${milliseconds} ms`;
      return milliseconds <= SLOW_QUOTE_MS
        ? { check: "tpm-quote", state: "ok", says }
        : { check: "tpm-quote", state: "limited", says: `${says}: choose a longer interval` };
    } finally {
      await tpm.flushContext(ak);
    }
  } finally {
    await tpm.flushContext(ek);
  }
}

function unanswered(error: unknown): readonly Finding[] {
  const says = error instanceof Error ? error.message : String(error);
  return (["tpm-ek-certificate", "tpm-quote"] as const).map((check) => ({
    ...{ check, state: "unknown", says },
    next: "run it as root, while nothing else uses the TPM",
  }));
}
