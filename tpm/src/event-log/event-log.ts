// SPDX-License-Identifier: Apache-2.0

import { ByteReader } from "../bytes.ts";
import { TpmError } from "../error.ts";
import { HASH_ALGORITHMS, type HashAlgorithm, type HashName } from "../hash-algorithm.ts";
import { PCR_COUNT } from "../pcr.ts";
import { EventType } from "./event-type.ts";

/** Bytes of a log. Real ones have some ten thousand: the largest events are lists of revoked signatures. */
export const EVENT_LOG_MAX: number = 512 * 1024;
/** Events of a log; real ones have some hundred. */
export const EVENTS_MAX = 4096;
/** Banks of a log, known ones and others. */
const BANKS_MAX = 16;

/** How the first event's data begins in a log of TPM 2.0. */
export const SPEC_ID: Uint8Array = ascii("Spec ID Event03\0");
/** How the data of the event begins that says from which locality the TPM was started. */
export const STARTUP_LOCALITY: Uint8Array = ascii("StartupLocality\0");

/** An event that firmware, boot loader or kernel say they extended. */
export interface MeasuredEvent {
  readonly pcr: number;
  /** One of {@link EventType}, or another: a claim, for it is not hashed. */
  readonly type: number;
  /** What was extended, of each bank of the log. */
  readonly digests: ReadonlyMap<HashName, Uint8Array>;
  /**
   * What the writer has to say of it: a claim. Of some types the digest is that of the data, of others (a loaded program, a
   * command line) it is that of something that is not in the log.
   */
  readonly data: Uint8Array;
}

/** A log as it claims to be: only a replay that leads to quoted PCRs proves its digests. */
export interface EventLog {
  /** Banks of which each event has a digest, in the log's order; ones that are not known here are left out. */
  readonly banks: readonly HashName[];
  /** Without those that were not extended. */
  readonly events: readonly MeasuredEvent[];
  /** What PCR 0 began with, in its last byte (TPM 2.0 part 1, 34.3): 0, or 3 or 4 after a start by hardware. */
  readonly startupLocality: number;
}

interface BankColumn {
  /** Undefined for one that is not known here. */
  readonly algorithm: HashAlgorithm | undefined;
  readonly id: number;
  readonly size: number;
}

const BY_ID = new Map(Object.values(HASH_ALGORITHMS).map((algorithm) => [algorithm.id, algorithm]));

/**
 * Parses the log that firmware hands to the kernel (`binary_bios_measurements`; TCG PC Client Platform Firmware Profile
 * 1.06, 10.2): crypto-agile form only, little-endian.
 *
 * Proves nothing: see {@link EventLog}. Digests and data are views on `bytes`.
 *
 * @throws TpmError `EVENT_LOG` for another form, more than {@link EVENT_LOG_MAX} bytes or {@link EVENTS_MAX} events, an event
 *   without a digest of each bank or with two, a PCR that is none; `BYTES_SHORT` when it ends within an event
 */
export function parseEventLog(bytes: Uint8Array): EventLog {
  if (bytes.length > EVENT_LOG_MAX) refuse(`${bytes.length} bytes`);
  const reader = new ByteReader(bytes);
  const columns = readHead(reader);
  const events: MeasuredEvent[] = [];
  let startupLocality: number | undefined;
  for (let count = 1; reader.remaining > 0; count++) {
    if (count >= EVENTS_MAX) refuse(`more than ${EVENTS_MAX} events`);
    const event = readEvent(reader, columns);
    if (event.type !== EventType.NO_ACTION) {
      if (event.pcr >= PCR_COUNT) refuse(`there is no PCR ${event.pcr}`);
      events.push(event);
      continue;
    }
    const locality = readLocality(event.data);
    if (locality === undefined) continue;
    const isLate = startupLocality !== undefined || events.some(({ pcr }) => pcr === 0);
    if (isLate) refuse("the startup locality is said twice or after PCR 0 was extended");
    startupLocality = locality;
  }
  const banks = columns.flatMap(({ algorithm }) => (algorithm ? [algorithm.name] : []));
  return { banks, events, startupLocality: startupLocality ?? 0 };
}

/** The first event, in the form of TPM 1.2, whose data says which banks the others have digests of. */
function readHead(reader: ByteReader): readonly BankColumn[] {
  const pcr = reader.u32le();
  const type = reader.u32le();
  reader.skip(HASH_ALGORITHMS.sha1.size);
  const data = new ByteReader(reader.bytes(reader.u32le()));
  if (pcr !== 0 || type !== EventType.NO_ACTION || !data.startsWith(SPEC_ID)) {
    refuse("it does not begin with Spec ID Event03");
  }
  // Platform class, version and the width of its integers say nothing about the form.
  data.skip(SPEC_ID.length + 4 + 4);
  const count = data.u32le();
  if (count > BANKS_MAX) refuse(`${count} banks`);
  const columns = Array.from({ length: count }, (): BankColumn => {
    const id = data.u16le();
    const size = data.u16le();
    const algorithm = BY_ID.get(id);
    if (algorithm !== undefined && algorithm.size !== size) {
      refuse(`digests of ${algorithm.name} with ${size} bytes`);
    }
    return { algorithm, id, size };
  });
  if (new Set(columns.map(({ id }) => id)).size !== count) refuse("a bank is named twice");
  data.skip(data.u8());
  data.end();
  return columns;
}

function readEvent(reader: ByteReader, columns: readonly BankColumn[]): MeasuredEvent {
  const pcr = reader.u32le();
  const type = reader.u32le();
  const count = reader.u32le();
  if (count !== columns.length) refuse(`an event with ${count} digests of ${columns.length}`);
  const digests = new Map<HashName, Uint8Array>();
  const seen = new Set<number>();
  for (let index = 0; index < count; index++) {
    const id = reader.u16le();
    const column = columns.find((each) => each.id === id);
    if (column === undefined || seen.has(id)) {
      return refuse(`a digest of bank 0x${id.toString(16)}, which is not due`);
    }
    seen.add(id);
    const value = reader.bytes(column.size);
    if (column.algorithm) digests.set(column.algorithm.name, value);
  }
  return { pcr, type, digests, data: reader.bytes(reader.u32le()) };
}

function readLocality(data: Uint8Array): number | undefined {
  const reader = new ByteReader(data);
  if (!reader.startsWith(STARTUP_LOCALITY)) return undefined;
  reader.skip(STARTUP_LOCALITY.length);
  const locality = reader.u8();
  reader.end();
  if (![0, 3, 4].includes(locality)) refuse(`a TPM cannot be started from locality ${locality}`);
  return locality;
}

function refuse(what: string): never {
  throw new TpmError("EVENT_LOG", `no event log of a TPM 2.0: ${what}`);
}

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}
