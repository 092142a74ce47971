// SPDX-License-Identifier: Apache-2.0

import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadLibrary } from "../sys/ffi.ts";
import { writeCounter } from "../sys/libbpf.ts";
import { ensureLoaded } from "./load.ts";
import { STATS } from "./pins.ts";

const ARRAY = 2;

const library = loadLibrary("libbpf.so.1");
const create = library(
  "int bpf_map_create(int, const char *, uint32_t, uint32_t, uint32_t, void *)",
);
const libc = loadLibrary("libc.so.6");
const mount = libc("int mount(const char *, const char *, const char *, unsigned long, void *)");
const umount = libc("int umount(const char *)");
const pin = library("int bpf_obj_pin(int, const char *)");

let root: string;
let folder: string;
let list: number;

/** Whether this machine lets us mount a BPF file system; the lab's machine tests the rest, which needs programs. */
function mountable(): boolean {
  const probe = mkdtempSync(join(tmpdir(), "nsattest-bpffs-"));
  const done = mount("bpf", probe, "bpf", 0, null) === 0 && umount(probe) === 0;
  rmdirSync(probe);
  return done;
}

describe.skipIf(!mountable())("pins that are there", () => {
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "nsattest-pins-"));
    list = openSync("/dev/null", "r");
    expect(mount("bpf", root, "bpf", 0, null)).toBe(0);
    folder = join(root, "nsattest");
    mkdirSync(folder);
  });

  afterEach(() => {
    closeSync(list);
    expect(umount(root)).toBe(0);
    rmdirSync(root);
  });

  /** Pins the counters, and something by the name of a link. */
  function pinned(names: readonly string[], hostEntries: number): void {
    const map = create(ARRAY, "stats", 4, 8, 3, null);
    writeCounter(map, STATS.hostEntries, hostEntries);
    for (const name of names) expect(pin(map, join(folder, name))).toBe(0);
    closeSync(map);
  }

  const load = (): unknown =>
    ensureLoaded({ objectFile: "/proc/self/no-object", pinFolder: folder, hostListFd: list });

  it("by a start that was interrupted are removed, and loading begins again", () => {
    pinned(["map_stats", "map_events", "link_exec"], 0);
    expect(load).toThrow(expect.objectContaining({ code: "BPF_LOAD" }));
    expect(readdirSync(folder)).toEqual([]);
    pinned(["map_stats"], 0);
    expect(load).toThrow(expect.objectContaining({ code: "BPF_LOAD" }));
    expect(readdirSync(folder)).toEqual([]);
  });

  it("by a start that was finished stay, also when they are not what they should be", () => {
    pinned(["map_stats", "link_exec"], 12);
    expect(load).toThrow(expect.objectContaining({ code: "BPF_PINS" }));
    expect(readdirSync(folder).sort()).toEqual(["link_exec", "map_stats"]);
  });
});
