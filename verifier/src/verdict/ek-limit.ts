// SPDX-License-Identifier: Apache-2.0

import type { Decision } from "./decision.ts";
import type { LimitCode } from "./reason.ts";
import type { Standing } from "./standing.ts";

const UNCHAINED: LimitCode = "TPM_EK_UNCHAINED";

/**
 * `standing` as it has to be read of a node: with the limit `TPM_EK_UNCHAINED` everywhere, when no vendor says that its
 * key is in a TPM. Nothing about it is stored with the standing: who vouches for the TPM may change while it holds.
 */
export function withEkLimit(standing: Standing, ekChained: boolean): Standing {
  if (ekChained) return standing;
  const limited = (decision: Decision): Decision => ({
    ...decision,
    limits: [...decision.limits, UNCHAINED].sort(),
  });
  const namespaces = Object.entries(standing.namespaces).map(
    ([id, decision]) => [id, limited(decision)] as const,
  );
  return {
    ...standing,
    host: limited(standing.host),
    namespaces: Object.fromEntries(namespaces),
  };
}
