// SPDX-License-Identifier: Apache-2.0

import { readClockInfo, type TpmClock } from "../attest.ts";
import type { ByteReader } from "../bytes.ts";
import { TpmError } from "../error.ts";
import { HASH_ALGORITHMS, type HashName } from "../hash-algorithm.ts";
import { readPcrBitmap } from "../pcr.ts";
import { defineCommand, type TpmCommand } from "./codec.ts";

const CAP_HANDLES = 1;
const CAP_PCRS = 5;
const CAP_PROPERTIES = 6;
/** More than any answer of 4096 bytes can hold. */
const MAX_ITEMS = 1024;

/** One answer of GetCapability; `more` says that items follow the last one. */
export interface CapabilityPage<Item> {
  readonly more: boolean;
  readonly items: readonly Item[];
}

/** A TPM_PT property and its value. */
export interface TpmProperty {
  readonly property: number;
  readonly value: number;
}

/** TPM2_GetCapability (TPM 2.0 part 3, 30.2): properties from `first` on; 0x100 fixed ones, 0x200 variable ones. */
export function getProperties(
  first: number,
  count: number,
): TpmCommand<CapabilityPage<TpmProperty>> {
  return getCapability(CAP_PROPERTIES, first, count, (parameters) => ({
    property: parameters.u32(),
    value: parameters.u32(),
  }));
}

/** Handles in use from `first` on: 0x02000000 sessions, 0x80000000 transient objects. */
export function getHandles(first: number, count: number): TpmCommand<CapabilityPage<number>> {
  return getCapability(CAP_HANDLES, first, count, (parameters) => parameters.u32());
}

/** The PCR banks that are allocated and whose hash we know; banks with other hashes are passed over. */
export function getPcrBanks(): TpmCommand<CapabilityPage<HashName>> {
  const known = new Map(Object.values(HASH_ALGORITHMS).map(({ id, name }) => [id, name]));
  const command = getCapability(CAP_PCRS, 0, MAX_ITEMS, (parameters) => {
    const bank = known.get(parameters.u16());
    return readPcrBitmap(parameters).length > 0 ? bank : undefined;
  });
  return {
    ...command,
    decode: (response) => {
      const { more, items } = command.decode(response);
      return { more, items: items.filter((bank) => bank !== undefined) };
    },
  };
}

/** TPM2_ReadClock (TPM 2.0 part 3, 29.1). */
export function readClock(): TpmCommand<TpmClock> {
  return defineCommand({
    name: "ReadClock",
    code: 0x181,
    result: (parameters) => {
      parameters.u64(); // time since power on
      return readClockInfo(parameters);
    },
  });
}

function getCapability<Item>(
  capability: number,
  first: number,
  count: number,
  readItem: (parameters: ByteReader) => Item,
): TpmCommand<CapabilityPage<Item>> {
  return defineCommand({
    name: "GetCapability",
    code: 0x17a,
    parameters: (writer) => writer.u32(capability).u32(first).u32(count),
    result: (parameters) => {
      const more = parameters.u8() === 1;
      const answered = parameters.u32();
      const items = parameters.u32();
      if (answered !== capability || items > MAX_ITEMS) {
        throw new TpmError("RESPONSE_MALFORMED", "GetCapability: not what was asked for");
      }
      return { more, items: Array.from({ length: items }, () => readItem(parameters)) };
    },
  });
}
