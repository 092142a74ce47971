// SPDX-License-Identifier: Apache-2.0

import { it } from "vitest";
import type { CheckId } from "./checks.ts";

/** What a forgery carries into the reports of a run. */
export interface AttackMeta {
  readonly check: CheckId;
  readonly gain: string;
}

declare module "vitest" {
  interface TaskMeta {
    attack?: AttackMeta;
  }
}

/**
 * A forgery, and the check that refuses it. Passes when it is refused, for the reason that the check gives; `test:mutants`
 * shows that it does not pass without the check. However many variants `forge` tries, it counts once.
 *
 * @param gain what an attacker has when the check is gone
 */
export function attack(
  check: CheckId,
  title: string,
  gain: string,
  forge: () => Promise<void> | void,
): void {
  it(title, async ({ task }) => {
    task.meta.attack = { check, gain };
    await forge();
  });
}
