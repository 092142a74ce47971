// SPDX-License-Identifier: Apache-2.0

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { VerifierError } from "../error.ts";
import { KEYRING_FORM } from "./file-form.ts";
import { type PolicySet, parsePolicySet } from "./policy-set.ts";

/** Bytes of one file: a runtime policy of some 500,000 paths. */
export const POLICY_FILE_MAX: number = 64 * 1024 * 1024;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads all `.json`, `.pem` and `.der` files of a folder, not of folders below it, as one set of policies.
 *
 * @throws VerifierError `POLICY_INVALID` also when the folder or a file in it cannot be read, or a file is too large
 */
export async function readPolicyFolder(
  folder: string,
  fileMax: number = POLICY_FILE_MAX,
): Promise<PolicySet> {
  const names = await readdir(folder).catch((cause: unknown) => refuse([`${folder}: ${cause}`]));
  const files = new Map<string, string>();
  const problems: string[] = [];
  for (const name of names.filter((each) => KEYRING_FORM.test(each))) {
    try {
      files.set(name, await readText(join(folder, name), fileMax));
    } catch (cause) {
      problems.push(`${name}: ${cause}`);
    }
  }
  if (problems.length > 0) refuse(problems);
  return parsePolicySet(files);
}

async function readText(file: string, fileMax: number): Promise<string> {
  if ((await stat(file)).size > fileMax) throw new Error(`larger than ${fileMax} bytes`);
  const bytes = await readFile(file);
  return file.endsWith(".der") ? bytes.toString("base64") : strictUtf8.decode(bytes);
}

function refuse(problems: readonly string[]): never {
  throw new VerifierError("POLICY_INVALID", `cannot read ${problems.join("; ")}`, { problems });
}
