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
  /** Folder of PEM certificates whose word on an EK is taken. */
  readonly ekRoots: string;
  /** Folder of PEM certificates that may stand between an EK and a root, or null. */
  readonly ekIntermediates: string | null;
}

const KEYS = ["listen", "database", "caDir", "ekRoots", "ekIntermediates"] as const;
const LISTEN_KEYS = ["host", "port"] as const;

/**
 * Parses a configuration file: one JSON object with exactly the fields of {@link RegistrarConfig}, of which only
 * `ekIntermediates` may be left out. Relative paths count from `folder`, the file's own.
 *
 * Does not check that the paths exist.
 *
 * @throws RegistrarError `CONFIG_INVALID` with every problem in `problems`
 */
export function parseConfig(text: string, folder: string): RegistrarConfig {
  const problems: string[] = [];
  const document = asObject(parseJson(text), "the file", KEYS, problems);
  const listen = asObject(document.listen, "listen", LISTEN_KEYS, problems);
  const path = (key: (typeof KEYS)[number]): string =>
    resolve(folder, asText(document[key], key, problems));
  const config: RegistrarConfig = {
    listen: {
      host: asText(listen.host, "listen.host", problems),
      port: asPort(listen.port, "listen.port", problems),
    },
    database: path("database"),
    caDir: path("caDir"),
    ekRoots: path("ekRoots"),
    ekIntermediates: document.ekIntermediates === undefined ? null : path("ekIntermediates"),
  };
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

/** 0 lets the system choose. */
function asPort(value: unknown, name: string, problems: string[]): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535) {
    return value;
  }
  problems.push(`${name} must be a port number`);
  return 0;
}
