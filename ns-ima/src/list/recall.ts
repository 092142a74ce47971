// SPDX-License-Identifier: Apache-2.0

import { latin1DigestOf } from "./digest.ts";
import type { ExtendedForm, ListPcrs, ListPosition } from "./list-position.ts";
import { PcrChain } from "./pcr-chain.ts";
import { RecordReader } from "./record-reader.ts";

/**
 * The first position, at `from` or behind it, whose PCRs `fits` is true of: what the TPM quoted of a list that grew
 * meanwhile. Null when there is none. For the node itself, which knows its list; it proves nothing.
 *
 * Takes any template, and passes over records of other PCRs.
 *
 * @throws NsImaError `LIST_PCR`, `LIST_BIG_ENDIAN`, `LIST_LIMIT`
 */
export function recallListPcrs(
  from: ListPosition,
  bytes: Uint8Array,
  fits: (pcrs: ListPcrs) => boolean,
): ListPosition | null {
  const found = recallForm(from, bytes, fits, from.form);
  // Also behind the beginning: violations are extended alike in both forms, so they do not tell which one it is.
  return found ?? (from.form === "native" ? recallForm(from, bytes, fits, "padded-sha1") : null);
}

function recallForm(
  from: ListPosition,
  bytes: Uint8Array,
  fits: (pcrs: ListPcrs) => boolean,
  form: ExtendedForm,
): ListPosition | null {
  const { bank } = from;
  const chains = new Map([...from.pcrs].map(([pcr, value]) => [pcr, new PcrChain(bank, value)]));
  const reader = new RecordReader(bytes, {
    templates: null,
    firstIndex: from.entries,
    column: "sha1",
  });
  for (;;) {
    const pcrs = new Map([...chains].map(([pcr, chain]) => [pcr, chain.value]));
    if (fits(pcrs)) {
      return { ...from, form, entries: reader.index, bytes: from.bytes + reader.end, pcrs };
    }
    if (!reader.next()) return null;
    const chain = chains.get(reader.pcr);
    if (reader.violation) chain?.extendViolation();
    else chain?.extend(latin1DigestOf(form === "native" ? bank : "sha1", reader.hashed));
  }
}
