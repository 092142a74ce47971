// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CliError } from "./error.ts";

/** How an operator reaches the verifier. */
export interface Access {
  /** `https://host:port`. */
  readonly url: string;
  /** PEM of the authority that certified the verifier. */
  readonly ca: string;
  /** PEM of the operator's certificate and key. */
  readonly certificate: string;
  readonly key: string;
}

const DEFAULT_ACCESS_FILE = "/etc/nsattest/access.json";

/** What every command that asks a verifier says of it in its help. */
export const ACCESS_HELP: string = `  --access FILE   how to reach the verifier: JSON with url, caFile, certificateFile, keyFile
                  (default: NSATTEST_ACCESS, else ${DEFAULT_ACCESS_FILE})`;

const FILES = ["caFile", "certificateFile", "keyFile"] as const;

/** Reads the file that the option, else the environment names. @throws CliError `ACCESS_FILE` */
export function findAccess(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Access {
  return readAccess(option ?? env["NSATTEST_ACCESS"] ?? DEFAULT_ACCESS_FILE);
}

/**
 * Reads a JSON file with `url`, `caFile`, `certificateFile` and `keyFile`, and the files it names; relative paths count from its
 * folder.
 *
 * @throws CliError `ACCESS_FILE`
 */
export function readAccess(path: string): Access {
  const document = parse(path);
  const text = (key: string): string => {
    const value = document[key];
    if (typeof value !== "string" || value === "")
      throw new CliError("ACCESS_FILE", `${path}: ${key} must be a text`);
    return value;
  };
  const [ca = "", certificate = "", key = ""] = FILES.map((name) =>
    read(resolve(dirname(path), text(name))),
  );
  return { url: text("url"), ca, certificate, key };
}

function parse(path: string): Readonly<Record<string, unknown>> {
  const text = read(path);
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === "object" && document !== null)
      return document as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new CliError("ACCESS_FILE", `${path} is not JSON`, { cause });
  }
  throw new CliError("ACCESS_FILE", `${path} is not a JSON object`);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const hint =
      "name it with --access FILE or NSATTEST_ACCESS; the demo prints the one of its verifier";
    throw new CliError("ACCESS_FILE", `cannot read ${path}: ${hint}`, { cause });
  }
}
