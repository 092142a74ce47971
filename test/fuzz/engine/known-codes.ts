// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KnownCodes } from "./attempt.ts";

/** The codes of each error class, from `docs/errors.md`: a section for each `<Class>Code`, a row for each code. */
export function readKnownCodes(root: string): KnownCodes {
  const sections = readFileSync(join(root, "docs/errors.md"), "utf8").split(/^## /m);
  const codes = new Map<string, Set<string>>();
  for (const section of sections) {
    const [, name] = /^`(\w+Error)Code`/.exec(section) ?? [];
    if (name === undefined) continue;
    const rows = section.matchAll(/^\| `(\w+)`/gm);
    codes.set(name, new Set([...rows].map(([, code = ""]) => code)));
  }
  return codes;
}
