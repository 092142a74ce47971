// SPDX-License-Identifier: Apache-2.0

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig, mergeConfig, type Plugin } from "vitest/config";
import base from "../../vitest.config.ts";
import { CHECKS } from "../attacks/checks.ts";
import { withoutCheck } from "./without-check.ts";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Takes away the check that NSATTEST_MUTANT names, as its file is loaded, and says so in the file that
 * NSATTEST_MUTANT_APPLIED names: a check whose file was never loaded has not been taken away. Without the variables
 * nothing is changed.
 */
function mutant(): Plugin {
  const id = process.env["NSATTEST_MUTANT"];
  const note = process.env["NSATTEST_MUTANT_APPLIED"];
  const check = Object.entries(CHECKS).find(([name]) => name === id)?.[1];
  if (id !== undefined && !check) throw new Error(`there is no check ${id}`);
  return {
    name: "nsattest-mutant",
    enforce: "pre",
    transform(code, path) {
      if (!check || path !== join(ROOT, check.file)) return null;
      const mutated = withoutCheck(code, check);
      if (note !== undefined) appendFileSync(note, `${path}\n`);
      return { code: mutated, map: null };
    },
  };
}

export default mergeConfig(base, defineConfig({ root: ROOT, plugins: [mutant()] }));
