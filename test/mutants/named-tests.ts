// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { NamedTest } from "../attacks/checks/check.ts";
import { CHECKS, type CheckId } from "../attacks/checks.ts";

/** A forgery as its source has it. */
export interface WrittenAttack extends NamedTest {
  readonly check: string;
  readonly gain: string;
}

const FOLDER = "test/attacks";
const TEXT = /"(?:[^"\\]|\\.)*"/.source;
const ATTACK = new RegExp(`\\battack\\(\\s*(${TEXT}),\\s*(${TEXT}),\\s*(${TEXT}),`, "g");

/** All forgeries, read from their sources: nothing has to run to know them. */
export function writtenAttacks(root: string): readonly WrittenAttack[] {
  const names = readdirSync(join(root, FOLDER)).filter((name) => name.endsWith(".test.ts"));
  return names.sort().flatMap((name) => {
    const file = `${FOLDER}/${name}`;
    const found = readFileSync(join(root, file), "utf8").matchAll(ATTACK);
    return Array.from(found, ([, check = "", title = "", gain = ""]) => ({
      file,
      check: JSON.parse(check) as string,
      title: JSON.parse(title) as string,
      gain: JSON.parse(gain) as string,
    }));
  });
}

/** The tests that have to fail without the check: its forgeries, and those that the registry names. */
export function testsOf(id: CheckId, attacks: readonly WrittenAttack[]): readonly NamedTest[] {
  return [...attacks.filter(({ check }) => check === id), ...(CHECKS[id].tests ?? [])];
}
