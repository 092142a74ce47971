// SPDX-License-Identifier: Apache-2.0

import type { BootReference, ReferenceEvent } from "../boot/boot-reference.ts";
import { compareBoot } from "../boot/compare-boot.ts";
import type { BootEvent, ProvenBoot } from "../boot/proven-boot.ts";
import type { HostJudgement, Judgement } from "./judgement.ts";
import type { LimitCode, VerdictReason } from "./reason.ts";

/** What a boot leads to in the host's verdict. */
export interface BootGrounds {
  readonly contraindicated: readonly VerdictReason[];
  readonly none: readonly VerdictReason[];
  readonly limits: readonly LimitCode[];
}

const UNVERIFIED: readonly LimitCode[] = ["BOOT_UNVERIFIED", "IMA_POLICY_UNPROVEN"];

const NO_LOG: VerdictReason = {
  code: "BOOT_LOG_MISSING",
  detail: "a boot is expected of the node, and it has no log of its boot",
};

/** `judgement`, and what was booted. */
export function withBoot(judgement: Judgement, boot: ProvenBoot | null): Judgement {
  const { host } = judgement;
  return host.boot === boot ? judgement : { ...judgement, host: { ...host, boot } };
}

/**
 * What can be said of the boot by the reference in force, which is asked again each time: a kernel that is allowed
 * later makes the same boot a good one.
 *
 * The IMA policy is proven by its entry in the list only together with a command line that makes the kernel measure
 * policies: otherwise the entry may as well be of somebody who read that file.
 */
export function bootGrounds(
  { boot, aggregate, imaPolicyProven }: HostJudgement,
  reference: BootReference | null,
): BootGrounds {
  if (reference === null) return { contraindicated: [], none: [], limits: UNVERIFIED };
  if (boot === null) return { contraindicated: [], none: [NO_LOG], limits: UNVERIFIED };
  const { unexpected, missing, measuresImaPolicy } = compareBoot(boot, reference);
  const isExplained = aggregate === null || [...boot.aggregates.values()].includes(aggregate);
  return {
    contraindicated: [
      ...unexpected.map(({ event, instead }) => unexpectedReason(event, instead, reference)),
      ...missing.map((event) => missingReason(event, reference)),
      ...(isExplained ? [] : [OTHER_AGGREGATE]),
    ],
    none: [],
    limits: imaPolicyProven && measuresImaPolicy ? [] : ["IMA_POLICY_UNPROVEN"],
  };
}

const OTHER_AGGREGATE: VerdictReason = {
  code: "BOOT_AGGREGATE_MISMATCH",
  detail: "when IMA began, the PCRs were not what the boot log leads to",
};

function unexpectedReason(
  { pcr, type, text, digest }: BootEvent,
  instead: readonly ReferenceEvent[],
  { name }: BootReference,
): VerdictReason {
  const expected = instead.flatMap(({ digests }) => [...digests]);
  const alternative = expected.length === 0 ? "nothing of the kind" : expected.join(" or ");
  const detail = `${eventName(pcr, type, text)}: the reference ${name} has ${alternative}`;
  return { code: "BOOT_EVENT_UNEXPECTED", digest, detail: shortened(detail) };
}

function missingReason(
  { pcr, type, what }: ReferenceEvent,
  { name }: BootReference,
): VerdictReason {
  const detail = `${eventName(pcr, type, what)}: the reference ${name} has it, the boot has not`;
  return { code: "BOOT_EVENT_MISSING", detail: shortened(detail) };
}

function eventName(pcr: number, type: string, text: string): string {
  return `PCR ${pcr} ${type}${text === "" ? "" : ` ${text}`}`;
}

/** Texts of a verdict have an end. */
const DETAIL_MAX = 500;

function shortened(text: string): string {
  return text.length > DETAIL_MAX ? `${text.substring(0, DETAIL_MAX)}…` : text;
}
