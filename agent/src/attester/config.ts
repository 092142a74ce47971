// SPDX-License-Identifier: Apache-2.0

import { AttesterError } from "./error.ts";

/** Settings of an attester; all of them present. */
export interface AttesterConfig {
  /** `https://host:port`. */
  readonly registrar: string;
  /** `https://host:port`. */
  readonly verifier: string;
  /** PEM of the authority that certified both. */
  readonly caFile: string;
  /** Where the node's id, TLS key and certificate are kept. */
  readonly stateFolder: string;
  readonly monitorSocket: string;
  /** File with a token for the first enrolment, for a TPM that nobody vouches for; null without. */
  readonly joinTokenFile: string | null;
}

const KEYS = [
  "registrar",
  "verifier",
  "caFile",
  "stateFolder",
  "monitorSocket",
  "joinTokenFile",
] as const;

/**
 * Parses a configuration file: a JSON object with exactly the fields of AttesterConfig, of which `joinTokenFile` may be left out. Asks neither the services nor the disk.
 *
 * @throws AttesterError `ATTESTER_CONFIG`, naming every problem at once
 */
export function parseAttesterConfig(text: string): AttesterConfig {
  const document = parseObject(text);
  const problems: string[] = [];
  for (const key of Object.keys(document)) {
    if (!KEYS.some((known) => known === key)) problems.push(`${key} is unknown`);
  }
  const read = (key: keyof AttesterConfig): string => {
    const value = document[key];
    if (typeof value === "string" && value !== "") return value;
    problems.push(`${key} must be a text that is not empty`);
    return "";
  };
  const readUrl = (key: keyof AttesterConfig): string => {
    const value = read(key);
    if (value !== "" && !isHttpsUrl(value)) problems.push(`${key} must be an https URL`);
    return value;
  };
  const config: AttesterConfig = {
    registrar: readUrl("registrar"),
    verifier: readUrl("verifier"),
    caFile: read("caFile"),
    stateFolder: read("stateFolder"),
    monitorSocket: read("monitorSocket"),
    joinTokenFile: document["joinTokenFile"] === undefined ? null : read("joinTokenFile"),
  };
  if (problems.length > 0) throw new AttesterError("ATTESTER_CONFIG", problems.join("; "));
  return config;
}

function isHttpsUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === "https:";
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new AttesterError("ATTESTER_CONFIG", "the configuration is not JSON", { cause });
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new AttesterError("ATTESTER_CONFIG", "the configuration is not an object");
  }
  return document as Readonly<Record<string, unknown>>;
}
