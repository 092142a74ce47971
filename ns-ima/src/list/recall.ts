// SPDX-License-Identifier: Apache-2.0

import { latin1DigestOf } from "./digest.ts";
import { PcrChain } from "./pcr-chain.ts";
import { RecordReader } from "./record-reader.ts";
import type { ExtendedForm, ListPcrs, ListState } from "./replay.ts";

/**
 * The first state, at `from` or behind it, whose PCRs `fits` is true of: what the TPM quoted of a list that grew
 * meanwhile. Null when there is none. For the node itself, which knows its list; it proves nothing.
 *
 * Takes any template, and passes over records of other PCRs.
 *
 * @throws NsImaError `LIST_PCR`, `LIST_BIG_ENDIAN`, `LIST_LIMIT`
 */
export function recallListPcrs(
  from: ListState,
  bytes: Uint8Array,
  fits: (pcrs: ListPcrs) => boolean,
): ListState | null {
  const found = recallForm(from, bytes, fits, from.form);
  const mayBePadded = found === null && from.pins.paddedSha1 && from.entries === 0;
  return mayBePadded ? recallForm(from, bytes, fits, "padded-sha1") : found;
}

function recallForm(
  from: ListState,
  bytes: Uint8Array,
  fits: (pcrs: ListPcrs) => boolean,
  form: ExtendedForm,
): ListState | null {
  const { bank } = from.pins;
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
