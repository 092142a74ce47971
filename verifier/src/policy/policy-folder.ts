// SPDX-License-Identifier: Apache-2.0

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { VerifierError } from "../error.ts";
import { FILE_FORM } from "./node-policy.ts";
import { type PolicySet, parsePolicySet } from "./policy-set.ts";

/**
 * Reads all `.json` files of a folder, not of folders below it, as one set of policies.
 *
 * @throws VerifierError `POLICY_INVALID` also when the folder or a file in it cannot be read
 */
export async function readPolicyFolder(folder: string): Promise<PolicySet> {
  return parsePolicySet(await readFiles(folder));
}

async function readFiles(folder: string): Promise<ReadonlyMap<string, string>> {
  try {
    const names = (await readdir(folder)).filter((name) => FILE_FORM.test(name));
    const read = async (name: string): Promise<[string, string]> => [
      name,
      await readFile(join(folder, name), "utf8"),
    ];
    return new Map(await Promise.all(names.map(read)));
  } catch (cause) {
    const problem = `cannot read ${folder}: ${cause}`;
    throw new VerifierError("POLICY_INVALID", problem, { cause, problems: [problem] });
  }
}
