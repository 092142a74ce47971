// SPDX-License-Identifier: Apache-2.0

import type { BootReference, ReferenceEvent } from "./boot-reference.ts";
import { measuresImaPolicy } from "./command-line.ts";
import type { BootEvent, ProvenBoot } from "./proven-boot.ts";

/** An event that the reference does not have, and what it has of the same PCR and type. */
export interface UnexpectedEvent {
  readonly event: BootEvent;
  readonly instead: readonly ReferenceEvent[];
}

/** What is to be said of a boot against its reference. */
export interface BootComparison {
  /** The first ones, which decide. */
  readonly unexpected: readonly UnexpectedEvent[];
  /** Events of the reference that the boot has nothing of: neither them nor others in their place. */
  readonly missing: readonly ReferenceEvent[];
  /** The kernel was started so that it measures the IMA policy it is given. */
  readonly measuresImaPolicy: boolean;
}

/** Unexpected events that are told of. */
export const UNEXPECTED_MAX = 32;

/** Compares events as sets: their order within a PCR, and how often each comes, is not looked at. */
export function compareBoot({ events }: ProvenBoot, reference: BootReference): BootComparison {
  const slots = new Map<string, ReferenceEvent[]>();
  for (const slot of reference.events) {
    slots.set(placeOf(slot), [...(slots.get(placeOf(slot)) ?? []), slot]);
  }
  const seen = new Set<ReferenceEvent>();
  const unexpected: UnexpectedEvent[] = [];
  const replaced = new Set<string>();
  const lines = new Set<string>();
  for (const event of events) {
    const inPlace = slots.get(placeOf(event)) ?? [];
    const found = inPlace.filter(({ digests }) => digests.has(event.digest));
    for (const slot of found) seen.add(slot);
    const line = reference.commandLines.get(event.digest);
    if (line !== undefined) lines.add(line);
    if (found.length > 0) continue;
    replaced.add(placeOf(event));
    if (unexpected.length < UNEXPECTED_MAX) unexpected.push({ event, instead: inPlace });
  }
  return {
    unexpected,
    missing: reference.events.filter(
      (slot) => !slot.optional && !seen.has(slot) && !replaced.has(placeOf(slot)),
    ),
    measuresImaPolicy: lines.size > 0 && [...lines].every(measuresImaPolicy),
  };
}

function placeOf({ pcr, type }: Pick<ReferenceEvent, "pcr" | "type">): string {
  return `${pcr} ${type}`;
}
