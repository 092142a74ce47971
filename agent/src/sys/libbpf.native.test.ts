// SPDX-License-Identifier: Apache-2.0

import { closeSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lastErrno, loadLibrary, mapShared } from "./ffi.ts";
import {
  deleteKey,
  linkedProgram,
  loadAttachPin,
  mapKeys,
  mapSize,
  openPin,
  programInfo,
  readCounter,
  writeCounter,
} from "./libbpf.ts";

const HASH = 1;
const LRU_HASH = 9;
const RING = 27;
const EPERM = 1;
/** A descriptor that is open, and no BPF object. */
const NOT_BPF = 1;

const create = loadLibrary("libbpf.so.1")(
  "int bpf_map_create(int, const char *, uint32_t, uint32_t, uint32_t, void *)",
);

/** A new map of this kernel; negative when it is refused. */
function newMap(type: number, keyBytes: number, entries: number): number {
  return create(type, "test", keyBytes, type === RING ? 0 : 8, entries, null);
}

const probe = newMap(HASH, 8, 1);
const refused = probe < 0 && lastErrno() === EPERM;
if (probe >= 0) closeSync(probe);

function key(n: number): Uint8Array {
  return Uint8Array.of(n, 0, 0, 0, 0, 0, 0, 0);
}

// BPF is for root in most places; the machine of the lab tests what needs programs.
describe.skipIf(refused)("maps of this kernel", () => {
  let map: number;

  beforeEach(() => {
    map = newMap(HASH, 8, 16);
    expect(map).toBeGreaterThan(0);
  });

  afterEach(() => closeSync(map));

  it("keep counters", () => {
    writeCounter(map, key(1), 2 ** 40 + 3);
    expect(readCounter(map, key(1))).toBe(2 ** 40 + 3);
    expect(readCounter(map, key(2))).toBeNull();
    deleteKey(map, key(1));
    deleteKey(map, key(1));
    expect(readCounter(map, key(1))).toBeNull();
  });

  it("name all their keys", () => {
    expect(mapKeys(map, 8)).toEqual([]);
    for (let n = 0; n < 16; n++) writeCounter(map, key(n), n);
    const keys = mapKeys(map, 8).map(([first]) => first ?? -1);
    expect(keys.sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, n) => n));
    expect(() => writeCounter(map, key(16), 1)).toThrow(
      expect.objectContaining({ code: "SYSCALL" }),
    );
  });

  it("say how large they are", () => {
    expect(mapSize(map)).toBe(16);
    const others = [newMap(LRU_HASH, 64, 1000), newMap(RING, 0, 1 << 16)];
    expect(others.map(mapSize)).toEqual([1000, 1 << 16]);
    for (const other of others) closeSync(other);
  });

  it("give a ring's memory to who reads it, and not to be written beyond its first page", () => {
    const ring = newMap(RING, 0, 4096);
    expect(mapShared(ring, 0, 4096, true).byteLength).toBe(4096);
    expect(mapShared(ring, 4096, 3 * 4096, false).byteLength).toBe(3 * 4096);
    const refusal = expect.objectContaining({ code: "SYSCALL" });
    expect(() => mapShared(ring, 4096, 3 * 4096, true)).toThrow(refusal);
    expect(() => mapShared(ring, 0, 1 << 20, false)).toThrow(refusal);
    closeSync(ring);
  });
});

describe("what is no BPF object", () => {
  it.each([
    ["its size", (): unknown => mapSize(NOT_BPF)],
    ["its keys", (): unknown => mapKeys(NOT_BPF, 8)],
    ["a program", (): unknown => programInfo(NOT_BPF)],
    ["a link", (): unknown => linkedProgram(NOT_BPF)],
    ["a counter to write", (): unknown => writeCounter(NOT_BPF, key(1), 1)],
  ])("is refused when asked for %s", (_, ask) => {
    expect(ask).toThrow(expect.objectContaining({ code: "SYSCALL" }));
  });

  it("cannot be opened as a pin, nor loaded", () => {
    expect(() => openPin("/proc/self/no-pin")).toThrow(
      expect.objectContaining({ code: "BPF_PINS" }),
    );
    expect(() => loadAttachPin("/proc/self/no-object", "/proc/self")).toThrow(
      expect.objectContaining({ code: "BPF_LOAD" }),
    );
  });
});
