// SPDX-License-Identifier: Apache-2.0

import { isSha1Only, type ListPosition } from "@nsattest/ns-ima";
import type { Judgement } from "./judgement.ts";
import type { LimitCode } from "./reason.ts";

const LIMIT: LimitCode = "LIST_SHA1";

/** `judgement`, and that the host's list is proven by SHA-1 only where that is so. */
export function withListLimit(judgement: Judgement, list: ListPosition): Judgement {
  const { host } = judgement;
  const { findings } = host;
  if (!isSha1Only(list) || findings.limits.includes(LIMIT)) return judgement;
  const limits = [...findings.limits, LIMIT];
  return { ...judgement, host: { ...host, findings: { ...findings, limits } } };
}
