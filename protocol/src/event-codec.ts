// SPDX-License-Identifier: Apache-2.0

import {
  type BootEvent,
  type ExecEvent,
  type GapEvent,
  HOST,
  type MarkEvent,
  type MeasuredEvent,
  type NamespaceEvent,
  type NsCloseEvent,
  type NsOpenEvent,
  type ProgramIdentity,
  type ResyncEvent,
  TAG_SIZE,
} from "@nsattest/ns-ima";
import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import { type Codec, invalid, listAt, listOf, nullable, rowOf } from "./codec.ts";
import { ProtocolError } from "./error.ts";
import { bootId, bytePath, fileDigest, namespaceId } from "./ima-codec.ts";
import { EVENT_MAX } from "./limits.ts";
import { bytes, flag, integer, oneOf, text } from "./scalar-codec.ts";

const UINT32_MAX = 0xffff_ffff;
const PCR_SIZE = 32;

type Kind = NamespaceEvent["kind"];
type Body<E> = Omit<E, "kind">;

const host = oneOf(HOST);
const tag = bytes(TAG_SIZE);
const uint32 = integer(UINT32_MAX);

const program = rowOf<ProgramIdentity>({
  name: text({ max: 64 }),
  id: uint32,
  tag: bytes(8),
  loadTime: integer(),
});

const label: Codec<readonly [string, string], readonly CborValue[]> = {
  encode: (value) => [...value],
  decode(wire, at) {
    const items = listAt(wire, at);
    if (items.length !== 2) throw invalid(at, "is not a key and a value");
    return [text({ max: 128 }).decode(items[0], at), text().decode(items[1], at)];
  },
};

const labelList = listOf(label, 64);

/** Sorted by key, each key once: so that the same labels are the same bytes. */
const labels: typeof labelList = {
  encode: labelList.encode,
  decode(wire, at) {
    const list = labelList.decode(wire, at);
    const keys = list.map(([key]) => key);
    if ([...new Set(keys)].sort().join("\n") !== keys.join("\n")) {
      throw invalid(at, "is not sorted by key");
    }
    return list;
  },
};

const measuredRow = rowOf<Body<MeasuredEvent>>({
  ns: namespaceId,
  templateDigest: bytes(32),
  violation: flag,
  flags: uint32,
});

/** A violation has no template digest, everything else has one: else a claim of zeros would claim violations. */
const measured: typeof measuredRow = {
  encode: measuredRow.encode,
  decode(wire, at) {
    const event = measuredRow.decode(wire, at);
    if (event.templateDigest.every((byte) => byte === 0) !== event.violation) {
      throw invalid(`${at}.templateDigest`, "is zero for violations, and for them alone");
    }
    return event;
  },
};

const ROWS: {
  readonly [K in Kind]: Codec<Body<Extract<NamespaceEvent, { kind: K }>>, readonly CborValue[]>;
} = {
  boot: rowOf<Body<BootEvent>>({
    ns: host,
    tag,
    bootId,
    kernel: text({ max: 128 }),
    resetCount: uint32,
    restartCount: uint32,
    baseline: bytes(PCR_SIZE),
    hostEntries: uint32,
    programs: listOf(program, 64),
    version: text({ max: 64 }),
  }),
  "ns-open": rowOf<Body<NsOpenEvent>>({
    ns: namespaceId,
    tag,
    cgroup: integer(),
    mountNamespace: uint32,
    pidNamespace: uint32,
    runtime: text({ max: 64 }),
    declared: flag,
    privileged: listOf(text({ max: 128 }), 32),
    labels,
  }),
  exec: rowOf<Body<ExecEvent>>({
    ns: namespaceId,
    how: oneOf("exec", "map", "mprotect", "anonymous", "rewrite"),
    path: bytePath,
    digest: nullable(fileDigest),
    fsMagic: uint32,
    file: integer(),
    flags: uint32,
  }),
  measured,
  mark: rowOf<Body<MarkEvent>>({ ns: host, index: uint32 }),
  gap: rowOf<Body<GapEvent>>({
    ns: namespaceId,
    lost: integer(),
    reason: oneOf(
      "ring-overflow",
      "recursion-miss",
      "late-start",
      "program-changed",
      "unreadable-event",
    ),
  }),
  resync: rowOf<Body<ResyncEvent>>({ ns: namespaceId, found: uint32 }),
  "ns-close": rowOf<Body<NsCloseEvent>>({
    ns: namespaceId,
    executions: uint32,
    reason: text({ max: 128 }),
  }),
};

const kinds = oneOf(...(Object.keys(ROWS) as Kind[]));

/**
 * Bytes of one event: the CBOR array `[kind, ns, ...]`, fields in the order of the event's interface. These bytes are
 * what the log hashes, so they never change for an event that was written.
 *
 * @throws ProtocolError `FIELD_INVALID`, `MESSAGE_TOO_LARGE` for what {@link decodeEvent} would refuse: an event that
 *   nobody can read must not get into a log that nobody can mend
 */
export function encodeEvent(event: NamespaceEvent): Uint8Array {
  const row = rowsOf(event.kind);
  const body = row.encode(event);
  row.decode(body, event.kind);
  const encoded = encodeCbor([event.kind, ...body]);
  if (encoded.length > EVENT_MAX) {
    throw new ProtocolError("MESSAGE_TOO_LARGE", `an event of ${encoded.length} bytes`);
  }
  return encoded;
}

/**
 * Parses what {@link encodeEvent} writes. Does not check who wrote it, nor whether it may stand where it stands in a
 * log (`replayLog` does). Byte strings in the result are views on `bytes`.
 *
 * @throws ProtocolError `MESSAGE_TOO_LARGE`, `CBOR_*`, `FIELD_INVALID`
 */
export function decodeEvent(bytes: Uint8Array): NamespaceEvent {
  const [first, ...body] = listAt(decodeCbor(bytes, EVENT_MAX), "event");
  const kind = kinds.decode(first, "event.kind");
  return { kind, ...rowsOf(kind).decode(body, kind) } as NamespaceEvent;
}

/** The row of a kind, as one that takes every event: what it gets is of that kind. */
function rowsOf(kind: Kind): Codec<Body<NamespaceEvent>, readonly CborValue[]> {
  return ROWS[kind] as Codec<Body<NamespaceEvent>, readonly CborValue[]>;
}
