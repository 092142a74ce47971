// SPDX-License-Identifier: Apache-2.0

import { deserialize, serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { extendAnchor } from "./anchor.ts";
import type { BootEvent, LogBatch, LogRecord, NamespaceEvent, NsOpenEvent } from "./event.ts";
import { EMPTY_LOG, type NamespaceLogState, type ReplayedLog, replayLog } from "./namespace-log.ts";

// The real codec is protocol's, one layer up; here any encoding does.
const decode = (bytes: Uint8Array): NamespaceEvent => deserialize(bytes);
const tagOf = (byte: number) => new Uint8Array(32).fill(byte);
const HOST_TAG = tagOf(1);
const WEB_TAG = tagOf(2);
const DB_TAG = tagOf(3);

const boot: BootEvent = {
  kind: "boot",
  ns: "host",
  tag: HOST_TAG,
  bootId: "b",
  kernel: "k",
  resetCount: 0,
  restartCount: 0,
  baseline: new Uint8Array(32),
  hostEntries: 0,
  programs: [],
  version: "0",
};
const open = (ns: string, tag: Uint8Array): NsOpenEvent => ({
  kind: "ns-open",
  ns,
  tag,
  cgroup: 1,
  mountNamespace: 2,
  pidNamespace: 3,
  runtime: "runc",
  declared: true,
  privileged: [],
  labels: [],
});
const mark: NamespaceEvent = { kind: "mark", ns: "host", index: 0 };
const resync = (ns: string): NamespaceEvent => ({ kind: "resync", ns, found: 0 });

let salts = 0;
const record = (event: NamespaceEvent, tag: Uint8Array): LogRecord => ({
  tag,
  salt: new Uint8Array(32).fill(salts++),
  event: new Uint8Array(serialize(event)),
});
const start = record(boot, HOST_TAG);
const openWeb = record(open("web/0", WEB_TAG), WEB_TAG);
const webEvent = record(resync("web/0"), WEB_TAG);
const hostMark = record(mark, HOST_TAG);

const pcrAfter = (batches: readonly LogBatch[], pcr: Uint8Array = new Uint8Array(32)) =>
  batches.reduce((value, batch) => extendAnchor(value, batch), pcr);
/** Replays batches that a TPM has seen just so. */
const replay = (batches: readonly LogBatch[], state: NamespaceLogState = EMPTY_LOG): ReplayedLog =>
  replayLog(state, batches, decode, pcrAfter(batches, state.pcr));
const coded = (code: string) => expect.objectContaining({ name: "NsImaError", code });

describe("replayLog", () => {
  it("returns the events in order and the state after them", () => {
    const { state, events } = replay([[start], [openWeb, webEvent], [hostMark]]);
    expect(events).toEqual([boot, open("web/0", WEB_TAG), resync("web/0"), mark]);
    expect(state.batches).toBe(3);
    expect(state.boot).toEqual(boot);
    expect(state.pcr).toEqual(pcrAfter([[start], [openWeb, webEvent], [hostMark]]));
  });

  it("goes on where an earlier evidence has ended", () => {
    const first = replay([[start], [openWeb]]);
    const second = replay([[webEvent], [hostMark]], first.state);
    expect(second.events).toEqual([resync("web/0"), mark]);
    expect(second.state.pcr).toEqual(
      replay([[start], [openWeb], [webEvent], [hostMark]]).state.pcr,
    );
    expect(replay([], second.state).events).toEqual([]);
  });

  it("hands out events that share no memory with the evidence", () => {
    const seen: ArrayBufferLike[] = [];
    const evidence = { ...start, event: new Uint8Array(start.event) };
    replayLog(
      EMPTY_LOG,
      [[evidence]],
      (bytes) => {
        seen.push(bytes.buffer);
        return decode(bytes);
      },
      pcrAfter([[evidence]]),
    );
    expect(seen).not.toContain(evidence.event.buffer);
  });

  it("leaves the state as it was, whether it returns or throws", () => {
    const { state } = replay([[start], [openWeb]]);
    const bad = [record(open("db/0", DB_TAG), DB_TAG), record(boot, HOST_TAG)];
    expect(() => replay([bad], state)).toThrow(coded("LOG_BOOT"));
    replay([[record(open("db/0", DB_TAG), DB_TAG)]], state);
    expect(replay([[webEvent], [record(open("db/0", DB_TAG), DB_TAG)]], state).events).toHaveLength(
      2,
    );
  });

  it("passes on what the decoder throws", () => {
    const junk = { ...start, event: new Uint8Array([0xff]) };
    expect(() => replay([[junk]])).toThrow(/deserialize/);
  });
});

describe("the anchor", () => {
  const batches = [[start], [openWeb, webEvent], [hostMark]];
  const quoted = pcrAfter(batches);
  const altered = { ...webEvent, event: new Uint8Array(serialize(resync("web/1"))) };

  // Without it whoever carries the log decides what it says.
  it.each([
    ["without its last batch", [[start], [openWeb, webEvent]]],
    ["without a batch in the middle", [[start], [hostMark]]],
    ["without its first batch", [[openWeb, webEvent], [hostMark]]],
    ["without a record", [[start], [openWeb], [hostMark]]],
    ["with its batches in another order", [[start], [hostMark], [openWeb, webEvent]]],
    ["with its records in another order", [[start], [webEvent, openWeb], [hostMark]]],
    ["cut into other batches", [[start], [openWeb], [webEvent], [hostMark]]],
    ["with a batch more", [...batches, [hostMark]]],
    ["with a batch twice", [[start], [openWeb, webEvent], [hostMark], [hostMark]]],
    ["with an altered event", [[start], [openWeb, altered], [hostMark]]],
    ["with an altered salt", [[start], [openWeb, { ...webEvent, salt: tagOf(9) }], [hostMark]]],
    [
      "with an event moved to another tag",
      [[start], [openWeb, { ...webEvent, tag: HOST_TAG }], [hostMark]],
    ],
    ["empty", []],
    ["with junk for its first event", [[{ ...start, event: new Uint8Array([0xff]) }]]],
  ])("refuses the log %s", (_, hostile) => {
    expect(() => replayLog(EMPTY_LOG, hostile, decode, quoted)).toThrow(
      coded("LOG_REPLAY_MISMATCH"),
    );
  });

  it("refuses a log that stops short of a later quote", () => {
    const { state } = replay([[start]]);
    expect(() => replayLog(state, [], decode, quoted)).toThrow(coded("LOG_REPLAY_MISMATCH"));
  });

  // Without it somebody could extend the PCR before our first event with a history of their own.
  it("refuses a baseline that is not zero, whether or not the PCR agrees", () => {
    const found = tagOf(7);
    const dirty = [[record({ ...boot, baseline: found }, HOST_TAG)]];
    expect(() => replay(dirty)).toThrow(coded("ANCHOR_BASELINE"));
    expect(() => replayLog(EMPTY_LOG, dirty, decode, pcrAfter(dirty, found))).toThrow(
      coded("ANCHOR_BASELINE"),
    );
  });

  it("says mismatch, not baseline, of a log that began well", () => {
    const { state } = replay([[start]]);
    const dirty = [[record({ ...boot, baseline: tagOf(7) }, HOST_TAG)]];
    expect(() => replayLog(state, dirty, decode, quoted)).toThrow(coded("LOG_REPLAY_MISMATCH"));
  });
});

describe("the rules of the log", () => {
  // Without it an attester could leave out the boot event, and with it baseline and boot id.
  it.each([
    ["nothing in it", []],
    ["another event first", [[hostMark]]],
    ["a namespace first", [[openWeb, start]]],
    ["two boot events", [[start], [record(boot, HOST_TAG)]]],
  ])("wants exactly one boot event, first: refuses a log with %s", (_, batches) => {
    expect(() => replay(batches)).toThrow(coded("LOG_BOOT"));
  });

  // Without it two namespaces would share one redacted log: the owner of one could be shown the other's events.
  it.each([
    ["the host's", HOST_TAG],
    ["a neighbour's", WEB_TAG],
  ])("refuses a namespace that is opened with %s tag", (_, tag) => {
    expect(() => replay([[start, openWeb, record(open("db/0", tag), tag)]])).toThrow(
      coded("LOG_TAG_REUSED"),
    );
  });

  // Without it an event could be hidden from the owner of its namespace, in the neighbour's part of the log.
  it.each([
    ["a neighbour's tag", resync("web/0"), DB_TAG],
    ["the host's tag", resync("web/0"), HOST_TAG],
    ["a tag of nobody", resync("web/0"), tagOf(9)],
    ["a namespace's tag for a mark", mark, WEB_TAG],
  ])("refuses a record with %s", (_, event, tag) => {
    const opened = [start, openWeb, record(open("db/0", DB_TAG), DB_TAG)];
    expect(() => replay([[...opened, record(event, tag)]])).toThrow(coded("LOG_TAG_FOREIGN"));
  });

  it("refuses an ns-open whose record has another tag than it announces", () => {
    expect(() => replay([[start, record(open("web/0", WEB_TAG), HOST_TAG)]])).toThrow(
      coded("LOG_TAG_FOREIGN"),
    );
  });

  // Without it what a container did before it was announced could be given to one that never existed.
  it("refuses an event before its namespace is opened", () => {
    expect(() => replay([[start, webEvent, openWeb]])).toThrow(coded("LOG_NAMESPACE_UNKNOWN"));
  });

  // Without it a container could be opened anew, unprivileged and with clean labels, in the middle of its life.
  it("refuses to open a namespace twice, also in a later evidence, and the host at all", () => {
    const again = record(open("web/0", DB_TAG), DB_TAG);
    expect(() => replay([[start, openWeb, again]])).toThrow(coded("LOG_NAMESPACE_REOPENED"));
    const { state } = replay([[start, openWeb]]);
    expect(() => replay([[again]], state)).toThrow(coded("LOG_NAMESPACE_REOPENED"));
    expect(() => replay([[record(open("host", DB_TAG), DB_TAG)]], state)).toThrow(
      coded("LOG_NAMESPACE_REOPENED"),
    );
  });

  it("refuses an empty batch", () => {
    expect(() => replay([[start], []])).toThrow(coded("LOG_BATCH_EMPTY"));
  });

  it("lets events pass after a namespace was closed", () => {
    const close = record({ kind: "ns-close", ns: "web/0", executions: 0, reason: "" }, WEB_TAG);
    expect(replay([[start, openWeb, close, webEvent]]).events).toHaveLength(4);
  });
});
