// SPDX-License-Identifier: Apache-2.0

import type { ByteReader, ByteWriter } from "./bytes.ts";
import { TpmError } from "./error.ts";
import { digest, HASH_ALGORITHMS, type HashName, hashById } from "./hash-algorithm.ts";

/** PCRs of one bank. */
export interface BankSelection {
  readonly bank: HashName;
  readonly pcrs: readonly number[];
}

/** Which PCRs of which banks, in the order in which a TPM hashes them; within a bank PCRs count upwards. */
export type PcrSelection = readonly BankSelection[];

/** One PCR. In an agent's message it is a claim; inside a VerifiedQuote it is what the TPM signed. */
export interface PcrValue {
  readonly bank: HashName;
  readonly index: number;
  readonly value: Uint8Array;
}

/** A PC client TPM has PCR 0 to 23. */
export const PCR_COUNT = 24;
const SELECT_SIZE = 3;
const MAX_BANKS = 16;

/**
 * Reads a TPML_PCR_SELECTION (TPM 2.0 part 2, 10.9.7). A bank may be selected with no PCR in it: so a TPM says that it
 * has no such bank.
 *
 * @throws TpmError `BYTES_SHORT`, `HASH_UNKNOWN`, `PCR_SELECTION` (more than 16 banks, or not 24 PCRs in a bank)
 */
export function readPcrSelection(reader: ByteReader): PcrSelection {
  const count = reader.u32();
  if (count > MAX_BANKS) throw new TpmError("PCR_SELECTION", `${count} banks selected`);
  const selection: BankSelection[] = [];
  while (selection.length < count) {
    const bank = hashById(reader.u16()).name;
    selection.push({ bank, pcrs: readPcrBitmap(reader) });
  }
  return selection;
}

/**
 * Reads the size and bitmap of one TPMS_PCR_SELECTION: the PCRs, ascending.
 *
 * @throws TpmError `BYTES_SHORT`, `PCR_SELECTION`
 */
export function readPcrBitmap(reader: ByteReader): readonly number[] {
  const size = reader.u8();
  if (size !== SELECT_SIZE) throw new TpmError("PCR_SELECTION", `bitmap of ${size} bytes, not 3`);
  return pcrsIn(reader.u8() | (reader.u8() << 8) | (reader.u8() << 16));
}

/** @throws TpmError `PCR_SELECTION` when a PCR is not an integer from 0 to 23 or there are more than 16 banks */
export function writePcrSelection(writer: ByteWriter, selection: PcrSelection): void {
  if (selection.length > MAX_BANKS) {
    throw new TpmError("PCR_SELECTION", `${selection.length} banks selected`);
  }
  writer.u32(selection.length);
  for (const { bank, pcrs } of selection) {
    const bits = bitmapOf(pcrs);
    writer.u16(HASH_ALGORITHMS[bank].id).u8(SELECT_SIZE);
    writer
      .u8(bits & 0xff)
      .u8((bits >> 8) & 0xff)
      .u8(bits >> 16);
  }
}

/** @throws TpmError `PCR_SELECTION` */
export function assertPcrIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= PCR_COUNT) {
    throw new TpmError("PCR_SELECTION", `there is no PCR ${index}`);
  }
}

/**
 * True when both select the same PCRs in the same order of banks; the order of PCRs in a bank means nothing.
 *
 * @throws TpmError `PCR_SELECTION`
 */
export function samePcrSelection(a: PcrSelection, b: PcrSelection): boolean {
  return (
    a.length === b.length &&
    a.every(({ bank, pcrs }, position) => {
      const other = b[position];
      return other?.bank === bank && bitmapOf(other.pcrs) === bitmapOf(pcrs);
    })
  );
}

/** @throws TpmError `PCR_SELECTION` */
function bitmapOf(pcrs: readonly number[]): number {
  let bits = 0;
  for (const index of pcrs) {
    assertPcrIndex(index);
    bits |= 1 << index;
  }
  return bits;
}

function pcrsIn(bitmap: number): readonly number[] {
  const pcrs: number[] = [];
  for (let index = 0; index < PCR_COUNT; index++) if ((bitmap >> index) & 1) pcrs.push(index);
  return pcrs;
}

/**
 * The values of `selection` in the order in which a TPM hashes them.
 *
 * @throws TpmError `PCR_VALUES` unless `values` holds each selected PCR once, with a digest of its bank's size, and no other
 */
export function orderPcrValues(
  selection: PcrSelection,
  values: readonly PcrValue[],
): readonly PcrValue[] {
  const ordered: PcrValue[] = [];
  for (const { bank, pcrs } of selection) {
    for (const index of pcrsIn(bitmapOf(pcrs))) {
      const found = values.find((value) => value.bank === bank && value.index === index);
      if (found?.value.length !== HASH_ALGORITHMS[bank].size || ordered.includes(found)) {
        throw new TpmError("PCR_VALUES", `no value, or one of a wrong size, for ${bank}:${index}`);
      }
      ordered.push(found);
    }
  }
  if (ordered.length !== values.length) {
    throw new TpmError("PCR_VALUES", "a PCR was given twice or was not selected");
  }
  return ordered;
}

/** pcrDigest of a quote: H over the values as ordered by {@link orderPcrValues} (TPM 2.0 part 1, 17.6.1). */
export function pcrDigest(hash: HashName, ordered: readonly PcrValue[]): Uint8Array {
  return digest(hash, ...ordered.map(({ value }) => value));
}
