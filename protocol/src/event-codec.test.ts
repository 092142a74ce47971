// SPDX-License-Identifier: Apache-2.0

import type { NamespaceEvent } from "@nsattest/ns-ima";
import { describe, expect, it } from "vitest";
import { type CborValue, encodeCbor } from "./cbor.ts";
import { decodeEvent, encodeEvent } from "./event-codec.ts";
import { EVENT_MAX, PATH_MAX } from "./limits.ts";

const BOOT_ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
const fill = (length: number, byte: number) => new Uint8Array(length).fill(byte);

const boot = {
  kind: "boot",
  ns: "host",
  tag: fill(32, 0x11),
  bootId: BOOT_ID,
  kernel: "6.1.0-41-amd64",
  resetCount: 7,
  restartCount: 0,
  baseline: fill(32, 0),
  hostEntries: 512,
  programs: [{ name: "on_exec", id: 42, tag: fill(8, 0xaa), loadTime: 5_000_000_000 }],
  version: "0.1.0",
} as const satisfies NamespaceEvent;

const nsOpen = {
  kind: "ns-open",
  ns: "web.1/3",
  tag: fill(32, 0x22),
  cgroup: 4_294_967_296,
  mountNamespace: 4_026_532_500,
  pidNamespace: 4_026_532_501,
  runtime: "runc",
  declared: true,
  privileged: ["CAP_SYS_ADMIN"],
  labels: [
    ["image", "sha256:00"],
    ["name", "Käse"],
  ],
} as const satisfies NamespaceEvent;

const exec = {
  kind: "exec",
  ns: "web.1/3",
  how: "exec",
  path: "/bin/\xff sh",
  digest: { algorithm: "sha256", value: fill(32, 0x33) },
  fsMagic: 0x794c7630,
  file: 42,
  flags: 4,
} as const satisfies NamespaceEvent;

const measured = {
  kind: "measured",
  ns: "web.1/3",
  templateDigest: fill(32, 0x44),
  violation: false,
  flags: 0,
} as const satisfies NamespaceEvent;

const mark = { kind: "mark", ns: "host", index: 600 } as const satisfies NamespaceEvent;
const gap = { kind: "gap", ns: "host", lost: 3, reason: "recursion-miss" } as const;
const resync = { kind: "resync", ns: "web.1/3", found: 12 } as const;
const nsClose = { kind: "ns-close", ns: "web.1/3", executions: 9, reason: "poststop" } as const;

// What the log hashes: a change of any of these bytes makes old logs unreadable.
const VECTORS: readonly (readonly [event: NamespaceEvent, hex: string])[] = [
  [
    boot,
    "8b64626f6f7464686f7374582011111111111111111111111111111111111111111111111111111111111111" +
      "11782430663165326433632d346235612d363937382d383739362d6135623463336432653166306e362e312e" +
      "302d34312d616d64363407005820000000000000000000000000000000000000000000000000000000000000" +
      "00001902008184676f6e5f65786563182a48aaaaaaaaaaaaaaaa1b000000012a05f20065302e312e30",
  ],
  [
    nsOpen,
    "8a676e732d6f70656e677765622e312f33582022222222222222222222222222222222222222222222222222" +
      "222222222222221b00000001000000001af00002941af00002956472756e63f5816d4341505f5359535f4144" +
      "4d494e828265696d616765697368613235363a303082646e616d65654bc3a47365",
  ],
  [
    exec,
    "886465786563677765622e312f336465786563492f62696e2fff207368826673686132353658203333333333" +
      "3333333333333333333333333333333333333333333333333333331a794c7630182a04",
  ],
  [
    measured,
    "85686d65617375726564677765622e312f335820444444444444444444444444444444444444444444444444" +
      "4444444444444444f400",
  ],
  [mark, "83646d61726b64686f7374190258"],
  [gap, "846367617064686f7374036e726563757273696f6e2d6d697373"],
  [resync, "8366726573796e63677765622e312f330c"],
  [nsClose, "84686e732d636c6f7365677765622e312f330968706f737473746f70"],
];

const coded = (code: string) => expect.objectContaining({ name: "ProtocolError", code });
const refused = (at: string) =>
  expect.objectContaining({ code: "FIELD_INVALID", message: expect.stringContaining(at) });

/** What somebody else could write: any array. */
const written = (...row: readonly CborValue[]) => encodeCbor(row);

describe("an event", () => {
  it.each(VECTORS)("of kind $kind has exactly these bytes", (event, hex) => {
    expect(Buffer.from(encodeEvent(event)).toString("hex")).toBe(hex);
    expect(decodeEvent(new Uint8Array(Buffer.from(hex, "hex")))).toEqual(event);
  });

  it("of every kind has a vector", () => {
    const kinds: { readonly [K in NamespaceEvent["kind"]]: true } = {
      boot: true,
      "ns-open": true,
      exec: true,
      measured: true,
      mark: true,
      gap: true,
      resync: true,
      "ns-close": true,
    };
    expect(VECTORS.map(([{ kind }]) => kind)).toEqual(Object.keys(kinds));
  });

  it("may have no digest, any path bytes but NUL, and a violation no template digest", () => {
    const path = Array.from({ length: 255 }, (_, byte) => String.fromCharCode(byte + 1)).join("");
    const events: NamespaceEvent[] = [
      { ...exec, path, digest: null },
      { ...exec, path: "", how: "anonymous", digest: null },
      { ...exec, how: "rewrite", digest: null, file: Number.MAX_SAFE_INTEGER },
      { ...measured, violation: true, templateDigest: fill(32, 0) },
      { ...nsOpen, labels: [], privileged: [] },
      { ...boot, programs: [] },
    ];
    for (const event of events) expect(decodeEvent(encodeEvent(event))).toEqual(event);
  });
});

describe("encodeEvent", () => {
  it.each<[string, NamespaceEvent]>([
    ["measured.templateDigest", { ...measured, violation: true }],
    ["measured.templateDigest", { ...measured, templateDigest: fill(32, 0) }],
    ["measured.templateDigest", { ...measured, templateDigest: fill(31, 1) }],
    ["measured.ns", { ...measured, ns: "web" }],
    ["exec.path", { ...exec, path: "/bin/\0sh" }],
    ["path", { ...exec, path: "/bin/\u0100" }],
    ["exec.path", { ...exec, path: "/".repeat(PATH_MAX + 1) }],
    ["exec.digest.value", { ...exec, digest: { algorithm: "sha256", value: fill(15, 1) } }],
    ["exec.digest.value", { ...exec, digest: { algorithm: "sha256", value: fill(65, 1) } }],
    ["exec.digest.algorithm", { ...exec, digest: { algorithm: "SHA 256", value: fill(32, 1) } }],
    ["exec.flags", { ...exec, flags: 2 ** 32 }],
    ["mark.index", { ...mark, index: -1 }],
    ["mark.index", { ...mark, index: 1.5 }],
    ["gap.lost", { ...gap, lost: 2 ** 53 }],
    ["boot.baseline", { ...boot, baseline: fill(20, 0) }],
    ["boot.bootId", { ...boot, bootId: "unknown" }],
    ["boot.programs[0].tag", { ...boot, programs: [{ ...boot.programs[0], tag: fill(7, 0) }] }],
    ["ns-open.tag", { ...nsOpen, tag: fill(33, 0) }],
    [
      "ns-open.labels",
      {
        ...nsOpen,
        labels: [
          ["b", ""],
          ["a", ""],
        ],
      },
    ],
    [
      "ns-open.labels",
      {
        ...nsOpen,
        labels: [
          ["a", ""],
          ["a", ""],
        ],
      },
    ],
    ["ns-open.labels[0]", { ...nsOpen, labels: [["name", "\u001b[2J"]] }],
    ["ns-open.privileged", { ...nsOpen, privileged: new Array(33).fill("x") }],
    ["ns-close.reason", { ...nsClose, reason: "two\nlines" }],
  ])("refuses what decodeEvent would refuse: %s", (at, event) => {
    expect(() => encodeEvent(event)).toThrow(refused(at));
  });

  it("refuses an event that is too large", () => {
    const labels = Array.from(
      { length: 64 },
      (_, index) => [String(index + 100), "ü".repeat(1024)] as const,
    );
    expect(() => encodeEvent({ ...nsOpen, labels })).toThrow(coded("MESSAGE_TOO_LARGE"));
  });
});

describe("decodeEvent", () => {
  it.each<[string, CborValue]>([
    ["event", null],
    ["event", new Map([["kind", "mark"]])],
    ["event.kind", []],
    ["event.kind", [1]],
    ["event.kind", ["unknown", "host"]],
    ["event.kind", ["__proto__", "host"]],
    ["event.kind", ["toString"]],
    ["mark", ["mark", "host"]],
    ["mark", ["mark", "host", 1, 2]],
    ["mark.ns", ["mark", "web/1", 1]],
    ["mark.index", ["mark", "host", "1"]],
    ["gap.reason", ["gap", "host", 1, "boredom"]],
    ["gap.lost", ["gap", "host", null, "late-start"]],
    ["resync.ns", ["resync", "../1", 1]],
    ["resync.ns", ["resync", 7, 1]],
    ["exec.how", ["exec", "host", "read", fill(1, 47), null, 0, 0, 0]],
    ["exec.path", ["exec", "host", "exec", "/bin/sh", null, 0, 0, 0]],
    ["exec.digest", ["exec", "host", "exec", fill(1, 47), fill(32, 1), 0, 0, 0]],
    ["exec.digest", ["exec", "host", "exec", fill(1, 47), ["sha256"], 0, 0, 0]],
    ["exec.file", ["exec", "host", "exec", fill(1, 47), null, 0, "1", 0]],
    ["measured.violation", ["measured", "host", fill(32, 1), 0, 0]],
    ["ns-close.reason", ["ns-close", "host", 1, fill(1, 1)]],
  ])("refuses a bad %s", (at, value) => {
    expect(() => decodeEvent(encodeCbor(value))).toThrow(refused(at));
  });

  it.each<[string, CborValue]>([
    ["a label that is no pair", [["a"]]],
    ["a label that is no list", ["a"]],
    ["a label with a number for a value", [["a", 1]]],
    ["a label with a third part", [["a", "b", "c"]]],
    ["labels that are a map", new Map([["a", "b"]])],
  ])("refuses %s", (_, labels) => {
    const row = ["ns-open", "web/1", fill(32, 1), 0, 0, 0, "runc", true, [], labels] as const;
    expect(() => decodeEvent(written(...row))).toThrow(refused("ns-open.labels"));
  });

  it.each([
    ["no bytes", "", "CBOR_MALFORMED"],
    ["the beginning of an event", "83646d61726b64686f7374", "CBOR_MALFORMED"],
    ["an event and more", "83646d61726b64686f737419025800", "CBOR_MALFORMED"],
    ["an event in other bytes", "83646d61726b64686f73741a00000258", "CBOR_NOT_STRICT"],
    ["a tagged event", "c183646d61726b64686f7374190258", "CBOR_FORBIDDEN"],
  ])("refuses %s", (_, hex, code) => {
    expect(() => decodeEvent(new Uint8Array(Buffer.from(hex, "hex")))).toThrow(coded(code));
  });

  it("refuses an event that is too large, unread", () => {
    expect(() => decodeEvent(new Uint8Array(EVENT_MAX + 1))).toThrow(coded("MESSAGE_TOO_LARGE"));
  });
});
