// SPDX-License-Identifier: Apache-2.0

import { resolve } from "node:path";
import { RegistrarError } from "./error.ts";

/** Everything the registrar is told. All paths are absolute. */
export interface RegistrarConfig {
  readonly listen: { readonly host: string; readonly port: number };
  /** SQLite file; made when it is not there. */
  readonly database: string;
  /** Folder made by `nsattest-registrar init`; it needs `ca.*` and `registrar.*` of it. */
  readonly caDir: string;
  /** Ways in for a node. What is not named here is closed. */
  readonly enrolment: {
    /** By a certificate of its EK, or null. */
    readonly ekCertificate: EkIssuerFolders | null;
    /** By the hash of its EK, which an operator has registered. */
    readonly ekHash: boolean;
    /** By a token of an operator's, who approves it afterwards. */
    readonly joinToken: boolean;
  };
  /** Life of the certificates that nodes get. */
  readonly certificateHours: number;
}

/** Folders of PEM certificates. */
export interface EkIssuerFolders {
  /** Whose word on an EK is taken. */
  readonly roots: string;
  /** Who may stand between an EK and a root, or null. */
  readonly intermediates: string | null;
}

const KEYS = ["listen", "database", "caDir", "enrolment", "certificateHours"] as const;
const EK_CERTIFICATE = "enrolment.ekCertificate";
const LISTEN_KEYS = ["host", "port"] as const;
const ENROLMENT_KEYS = ["ekCertificate", "ekHash", "joinToken"] as const;
const FOLDER_KEYS = ["roots", "intermediates"] as const;

/** Hours that a node's certificate may live: below, it would be renewed all the time; above, it could not be taken away. */
export const CERTIFICATE_HOURS = { min: 1, usual: 24, max: 2160 } as const;

/**
 * Parses a configuration file: one JSON object with exactly the fields of {@link RegistrarConfig}, of which
 * `certificateHours`, the ways in that are closed (but not all of them) and `intermediates` may be left out. Relative
 * paths count from `folder`, the file's own.
 *
 * Does not check that the paths exist.
 *
 * @throws RegistrarError `CONFIG_INVALID` with every problem in `problems`
 */
export function parseConfig(text: string, folder: string): RegistrarConfig {
  const problems: string[] = [];
  const document = asObject(parseJson(text), "the file", KEYS, problems);
  const listen = asObject(document.listen, "listen", LISTEN_KEYS, problems);
  const enrolment = asObject(document.enrolment, "enrolment", ENROLMENT_KEYS, problems);
  const path = (value: unknown, name: string): string =>
    resolve(folder, asText(value, name, problems));
  const folders = (value: unknown): EkIssuerFolders => {
    const { roots, intermediates } = asObject(value, EK_CERTIFICATE, FOLDER_KEYS, problems);
    return {
      roots: path(roots, `${EK_CERTIFICATE}.roots`),
      intermediates:
        intermediates === undefined ? null : path(intermediates, `${EK_CERTIFICATE}.intermediates`),
    };
  };
  const { ekCertificate, ekHash, joinToken } = enrolment;
  const config: RegistrarConfig = {
    listen: {
      host: asText(listen.host, "listen.host", problems),
      port: asPort(listen.port, "listen.port", problems),
    },
    database: path(document.database, "database"),
    caDir: path(document.caDir, "caDir"),
    enrolment: {
      ekCertificate: ekCertificate === undefined ? null : folders(ekCertificate),
      ekHash: asFlag(ekHash, "enrolment.ekHash", problems),
      joinToken: asFlag(joinToken, "enrolment.joinToken", problems),
    },
    certificateHours: asHours(document.certificateHours, problems),
  };
  const isOpen = config.enrolment.ekCertificate || ekHash || joinToken;
  if (document.enrolment !== undefined && !isOpen) problems.push("enrolment names no way in");
  if (problems.length > 0) {
    throw new RegistrarError("CONFIG_INVALID", problems.join("; "), { problems });
  }
  return config;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const problems = ["the file is not JSON"];
    throw new RegistrarError("CONFIG_INVALID", "the file is not JSON", { cause, problems });
  }
}

/** Also reports every key that is not in `keys`. */
function asObject<Key extends string>(
  value: unknown,
  name: string,
  keys: readonly Key[],
  problems: string[],
): Partial<Record<Key, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    problems.push(`${name} must be an object`);
    return {};
  }
  const known: readonly string[] = keys;
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) problems.push(`${name} has no setting ${JSON.stringify(key)}`);
  }
  return value;
}

function asText(value: unknown, name: string, problems: string[]): string {
  if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
  problems.push(`${name} must be a text that is not empty`);
  return "";
}

/** False when it is left out. */
function asFlag(value: unknown, name: string, problems: string[]): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  problems.push(`${name} must be true or false`);
  return false;
}

function asHours(value: unknown, problems: string[]): number {
  const { min, usual, max } = CERTIFICATE_HOURS;
  if (value === undefined) return usual;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  problems.push(`certificateHours must be a whole number from ${min} to ${max}`);
  return usual;
}

/** 0 lets the system choose. */
function asPort(value: unknown, name: string, problems: string[]): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535) {
    return value;
  }
  problems.push(`${name} must be a port number`);
  return 0;
}
