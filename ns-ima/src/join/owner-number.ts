// SPDX-License-Identifier: Apache-2.0

import type { NamespaceId } from "../log/event.ts";
import type { SettledOwner } from "./join-state.ts";

const NOBODY = ["unowned", "gap"] as const;

/**
 * An owner as a number: 0 for the host, then those that are nobody, then the containers by the order of their opening.
 *
 * @param placeOf place of a namespace in that order; the host has 0
 */
export function ownerNumber(owner: SettledOwner, placeOf: (ns: NamespaceId) => number): number {
  if (owner === "host") return 0;
  return typeof owner === "object" ? placeOf(owner.ns) + NOBODY.length : NOBODY.indexOf(owner) + 1;
}

/** The owner with a number; `namespaces` in the order of their opening. */
export function ownerOf(number: number, namespaces: readonly NamespaceId[]): SettledOwner {
  if (number === 0) return "host";
  return NOBODY[number - 1] ?? { ns: namespaces[number - NOBODY.length] as NamespaceId };
}
