// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codeOf } from "../../test/code-of.ts";
import { readEventLog, readSeabiosLog } from "../../test/event-log-vector.ts";
import { ByteWriter } from "../bytes.ts";
import { digest, type HashName } from "../hash-algorithm.ts";
import { encodeEventLog } from "./encode-event-log.ts";
import {
  EVENT_LOG_MAX,
  EVENTS_MAX,
  type MeasuredEvent,
  parseEventLog,
  STARTUP_LOCALITY,
} from "./event-log.ts";
import { eventText } from "./event-text.ts";
import { EventType, eventTypeName } from "./event-type.ts";

const { log: ovmf, commandLine } = readEventLog("6.1");

/** Size of the first event with one bank and no vendor's data: header, then its own data. */
const HEAD_OF_ONE_BANK = 32 + 33;
const BANK_COUNT_AT = 32 + 24;

function event(change: Partial<MeasuredEvent> = {}): MeasuredEvent {
  const digests = new Map<HashName, Uint8Array>([["sha256", new Uint8Array(32).fill(7)]]);
  return { pcr: 4, type: EventType.SEPARATOR, digests, data: new Uint8Array(4), ...change };
}

function locality(value: number, ...more: readonly number[]): MeasuredEvent {
  const data = new Uint8Array([...STARTUP_LOCALITY, value, ...more]);
  return event({ pcr: 0, type: EventType.NO_ACTION, data });
}

function logOf(...events: readonly MeasuredEvent[]): Uint8Array {
  return encodeEventLog({ banks: ["sha256"], events });
}

/** `bytes` with a little-endian number of `width` bytes put in its place. */
function patched(bytes: Uint8Array, at: number, value: number, width: 2 | 4 = 4): Uint8Array {
  const copy = new Uint8Array(bytes);
  const number = new ByteWriter();
  copy.set((width === 2 ? number.u16le(value) : number.u32le(value)).finish(), at);
  return copy;
}

/** A log whose head names these banks, and that has no other event. */
function headOf(...banks: readonly (readonly [id: number, size: number])[]): Uint8Array {
  const base = logOf();
  const writer = new ByteWriter()
    .bytes(base.subarray(0, 28))
    .u32le(29 + 4 * banks.length)
    .bytes(base.subarray(32, BANK_COUNT_AT))
    .u32le(banks.length);
  for (const [id, size] of banks) writer.u16le(id).u16le(size);
  return writer.u8(0).finish();
}

describe("parseEventLog", () => {
  it("reads a log of OVMF: banks, and what was booted", () => {
    const { banks, events, startupLocality } = parseEventLog(ovmf);
    expect(banks).toEqual(["sha1", "sha256", "sha384"]);
    expect(startupLocality).toBe(0);
    const named = events.map(({ pcr, type, data }) =>
      [pcr, eventTypeName(type), eventText(data)].join(" ").trim(),
    );
    expect(named).toContain("7 EV_EFI_VARIABLE_DRIVER_CONFIG SecureBoot");
    expect(named).toContain("7 EV_EFI_VARIABLE_DRIVER_CONFIG db");
    expect(named).toContain("4 EV_EFI_BOOT_SERVICES_APPLICATION kernel");
    expect(named).toContain("9 EV_EVENT_TAG LOADED_IMAGE::LoadOptions");
    expect(named).toContain("9 EV_EVENT_TAG Linux initrd");
  });

  it("finds the command line in it, as the kernel's EFI stub measures it", () => {
    const options = parseEventLog(ovmf).events.find(
      ({ data }) => eventText(data) === "LOADED_IMAGE::LoadOptions",
    );
    const measured = new Uint8Array(Buffer.from(`${commandLine}\0`, "utf16le"));
    expect(options?.digests.get("sha256")).toEqual(digest("sha256", measured));
  });

  it("reads a log of SeaBIOS with four banks", () => {
    const { banks, events } = parseEventLog(readSeabiosLog().log);
    expect(banks).toEqual(["sha1", "sha256", "sha384", "sha512"]);
    expect(events.length).toBeGreaterThan(5);
  });

  it("leaves out a bank that it does not know, and reads on behind its digests", () => {
    const sm3 = [0x12, 32] as const;
    const both = new ByteWriter()
      .bytes(headOf(sm3, [0x0b, 32]))
      .u32le(4)
      .u32le(EventType.SEPARATOR)
      .u32le(2)
      .u16le(0x0b)
      .bytes(new Uint8Array(32).fill(7))
      .u16le(0x12)
      .bytes(new Uint8Array(32).fill(8))
      .u32le(4)
      .bytes(new Uint8Array(4))
      .finish();
    expect(parseEventLog(both)).toEqual({
      banks: ["sha256"],
      events: [event()],
      startupLocality: 0,
    });
  });

  it("reads what it has written", () => {
    const events = [event(), event({ pcr: 23, data: new Uint8Array() })];
    expect(parseEventLog(logOf(locality(3), ...events))).toEqual({
      banks: ["sha256"],
      events,
      startupLocality: 3,
    });
  });

  it("leaves out what was not extended, whatever PCR it names", () => {
    const note = event({ type: EventType.NO_ACTION, pcr: 0xffffffff, data: new Uint8Array(3) });
    expect(parseEventLog(logOf(note)).events).toEqual([]);
  });

  it.each([0, 3, 4])("takes startup locality %i", (value) => {
    expect(parseEventLog(logOf(locality(value))).startupLocality).toBe(value);
  });

  it.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(), "BYTES_SHORT"],
    ["another first PCR", patched(logOf(), 0, 1), "EVENT_LOG"],
    ["another first type", patched(logOf(), 4, 4), "EVENT_LOG"],
    ["the form of TPM 1.2", patched(logOf(), 32 + 12, 0x32302074), "EVENT_LOG"],
    [
      "17 banks",
      headOf(...Array.from({ length: 17 }, (_, id) => [0x100 + id, 1] as const)),
      "EVENT_LOG",
    ],
    ["a bank with digests of another size", headOf([0x0b, 20]), "EVENT_LOG"],
    ["a bank named twice", headOf([0x0b, 32], [0x0b, 32]), "EVENT_LOG"],
    ["a head with bytes left over", patched(logOf(), 28, 34), "BYTES_SHORT"],
    ["a head that is longer than what it says", longHead(), "BYTES_TRAILING"],
    ["an event without a digest", patched(logOf(event()), HEAD_OF_ONE_BANK + 8, 0), "EVENT_LOG"],
    [
      "an event with more digests than banks",
      patched(logOf(event()), HEAD_OF_ONE_BANK + 8, 2),
      "EVENT_LOG",
    ],
    ["a digest of no bank", patched(logOf(event()), HEAD_OF_ONE_BANK + 12, 0x0c, 2), "EVENT_LOG"],
    ["two digests of a bank", twice(), "EVENT_LOG"],
    ["PCR 24", logOf(event({ pcr: 24 })), "EVENT_LOG"],
    ["startup locality 1", logOf(locality(1)), "EVENT_LOG"],
    ["a startup locality with more behind it", logOf(locality(3, 0)), "BYTES_TRAILING"],
    ["two startup localities", logOf(locality(3), locality(3)), "EVENT_LOG"],
    ["a startup locality after PCR 0", logOf(event({ pcr: 0 }), locality(3)), "EVENT_LOG"],
    ["data that ends too early", logOf(event()).subarray(0, -1), "BYTES_SHORT"],
  ])("refuses %s", (_, bytes, code) => {
    expect(codeOf(() => parseEventLog(bytes))).toBe(code);
  });

  it("takes 16 banks, known or not", () => {
    const banks = Array.from({ length: 15 }, (_, id) => [0x100 + id, 1] as const);
    expect(parseEventLog(headOf([0x0b, 32], ...banks)).banks).toEqual(["sha256"]);
  });

  it("takes as many events as are allowed, and not one more", () => {
    const bytes = (count: number) => logOf(...Array.from({ length: count }, () => event()));
    expect(parseEventLog(bytes(EVENTS_MAX - 1)).events).toHaveLength(EVENTS_MAX - 1);
    expect(codeOf(() => parseEventLog(bytes(EVENTS_MAX)))).toBe("EVENT_LOG");
  });

  it("takes as many bytes as are allowed, and not one more", () => {
    const rest = EVENT_LOG_MAX - logOf(event({ data: new Uint8Array() })).length;
    const bytes = (size: number) => logOf(event({ data: new Uint8Array(size) }));
    expect(parseEventLog(bytes(rest)).events).toHaveLength(1);
    expect(codeOf(() => parseEventLog(bytes(rest + 1)))).toBe("EVENT_LOG");
  });
});

function longHead(): Uint8Array {
  const base = headOf([0x0b, 32]);
  return new ByteWriter()
    .bytes(base.subarray(0, 28))
    .u32le(34)
    .bytes(base.subarray(32))
    .u8(0)
    .finish();
}

function twice(): Uint8Array {
  const value = new Uint8Array(32);
  return new ByteWriter()
    .bytes(headOf([0x0b, 32], [0x0c, 48]))
    .u32le(4)
    .u32le(EventType.SEPARATOR)
    .u32le(2)
    .u16le(0x0b)
    .bytes(value)
    .u16le(0x0b)
    .bytes(value)
    .u32le(0)
    .finish();
}

describe("eventText", () => {
  const wide = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "utf16le"));
  const plain = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

  it.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(), ""],
    ["a variable's name behind numbers", new Uint8Array([1, 2, 3, ...wide("PK")]), "PK"],
    ["the longest of several", wide("Boot\u0001Boot0000\u0001db"), "Boot0000"],
    ["plain text", plain("\u0001Linux initrd\0"), "Linux initrd"],
    ["three letters by chance", plain("\u0001abc\u0002"), ""],
    ["a long one", plain("x".repeat(200)), "x".repeat(80)],
    ["what a terminal would obey", plain("\u001b[31mred"), "[31mred"],
  ])("of %s", (_, data, text) => {
    expect(eventText(data)).toBe(text);
  });
});

describe("eventTypeName", () => {
  it("is a number for what has no name", () => {
    expect([EventType.EFI_BOOT_SERVICES_APPLICATION, 0x12345].map(eventTypeName)).toEqual([
      "EV_EFI_BOOT_SERVICES_APPLICATION",
      "0x12345",
    ]);
  });
});
