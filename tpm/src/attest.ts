// SPDX-License-Identifier: Apache-2.0

import { ByteReader, ByteWriter } from "./bytes.ts";
import { TpmError } from "./error.ts";
import { type PcrSelection, readPcrSelection, writePcrSelection } from "./pcr.ts";

const MAGIC = 0xff54_4347;
const ST_ATTEST_QUOTE = 0x8018;
const FIRMWARE_VERSION_SIZE = 8;

/**
 * TPMS_CLOCK_INFO (TPM 2.0 part 2, 10.11.1). `resetCount` grows when the TPM was reset (a reboot), `restartCount` when
 * it was restarted or resumed; for keys outside the endorsement and platform hierarchies both carry a constant offset.
 */
export interface TpmClock {
  /** Milliseconds the TPM was powered, over all boots. */
  readonly clock: number;
  readonly resetCount: number;
  readonly restartCount: number;
  /** False when `clock` may repeat values after a disorderly shutdown. */
  readonly safe: boolean;
}

/** What a quote says. Claims, until verifyQuote has checked the signature over the bytes they came from. */
export interface QuoteAttest {
  /** Qualified name of the key; not compared here, for the key itself is pinned. */
  readonly qualifiedSigner: Uint8Array;
  readonly nonce: Uint8Array;
  readonly clock: TpmClock;
  /** 16 hexadecimal digits: vendors fill all 64 bits. */
  readonly firmwareVersion: string;
  readonly selection: PcrSelection;
  readonly pcrDigest: Uint8Array;
}

/**
 * Parses the TPMS_ATTEST of a quote (TPM 2.0 part 2, 10.12.8); verifies nothing.
 *
 * @throws TpmError `ATTEST_MAGIC` (not made inside a TPM), `ATTEST_TYPE` (no quote), `BYTES_*`, `HASH_UNKNOWN`,
 *   `PCR_SELECTION`
 */
export function parseQuoteAttest(bytes: Uint8Array): QuoteAttest {
  const reader = new ByteReader(bytes);
  if (reader.u32() !== MAGIC) throw new TpmError("ATTEST_MAGIC", "not a TPM-generated structure");
  if (reader.u16() !== ST_ATTEST_QUOTE) throw new TpmError("ATTEST_TYPE", "not a quote");
  const attest: QuoteAttest = {
    qualifiedSigner: reader.tpm2b(),
    nonce: reader.tpm2b(),
    clock: readClockInfo(reader),
    firmwareVersion: Buffer.from(reader.bytes(FIRMWARE_VERSION_SIZE)).toString("hex"),
    selection: readPcrSelection(reader),
    pcrDigest: reader.tpm2b(),
  };
  reader.end();
  return attest;
}

/** Inverse of {@link parseQuoteAttest}: what a TPM signs. */
export function encodeQuoteAttest(attest: QuoteAttest): Uint8Array {
  const writer = new ByteWriter()
    .u32(MAGIC)
    .u16(ST_ATTEST_QUOTE)
    .tpm2b(attest.qualifiedSigner)
    .tpm2b(attest.nonce)
    .u64(attest.clock.clock)
    .u32(attest.clock.resetCount)
    .u32(attest.clock.restartCount)
    .u8(attest.clock.safe ? 1 : 0)
    .bytes(Buffer.from(attest.firmwareVersion, "hex"));
  writePcrSelection(writer, attest.selection);
  return writer.tpm2b(attest.pcrDigest).finish();
}

/** @throws TpmError `BYTES_SHORT`, `BYTES_RANGE` */
export function readClockInfo(reader: ByteReader): TpmClock {
  const clock = reader.u64();
  const resetCount = reader.u32();
  const restartCount = reader.u32();
  const safe = reader.u8();
  if (safe > 1) throw new TpmError("BYTES_RANGE", `yes or no, not ${safe}`);
  return { clock, resetCount, restartCount, safe: safe === 1 };
}
