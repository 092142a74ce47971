// SPDX-License-Identifier: Apache-2.0

import { ByteReader } from "@nsattest/tpm";
import { AgentError } from "../error.ts";
import { lastErrno, loadLibrary, type NativePointer } from "./ffi.ts";

/**
 * The few functions of libbpf 1.x that we need. Its API is stable since 1.0, so the installed `libbpf.so.1` is used and nothing is
 * compiled on the node. Functions that return pointers return null on failure, with errno set.
 */
interface LibBpf {
  readonly openFile: (path: string, options: null) => NativePointer;
  readonly load: (object: NativePointer) => number;
  readonly nextProgram: (object: NativePointer, previous: NativePointer) => NativePointer;
  readonly nextMap: (object: NativePointer, previous: NativePointer) => NativePointer;
  readonly programName: (program: NativePointer) => string;
  readonly mapName: (map: NativePointer) => string;
  readonly attach: (program: NativePointer) => NativePointer;
  readonly pinProgram: (program: NativePointer, path: string) => number;
  readonly pinMap: (map: NativePointer, path: string) => number;
  readonly pinLink: (link: NativePointer, path: string) => number;
  readonly objectGet: (path: string) => number;
  readonly infoByFd: (fd: number, info: Uint8Array, length: Uint32Array) => number;
  readonly mapLookup: (fd: number, key: Uint8Array, value: Uint8Array) => number;
  readonly mapUpdate: (fd: number, key: Uint8Array, value: Uint8Array, flags: number) => number;
  readonly mapDelete: (fd: number, key: Uint8Array) => number;
  readonly mapNextKey: (fd: number, previous: Uint8Array | null, next: Uint8Array) => number;
}

let library: LibBpf | undefined;

function bpf(): LibBpf {
  if (library === undefined) {
    const declare = loadLibrary("libbpf.so.1");
    library = {
      openFile: declare("void *bpf_object__open_file(const char *, void *)"),
      load: declare("int bpf_object__load(void *)"),
      nextProgram: declare("void *bpf_object__next_program(void *, void *)"),
      nextMap: declare("void *bpf_object__next_map(void *, void *)"),
      programName: declare("const char *bpf_program__name(void *)"),
      mapName: declare("const char *bpf_map__name(void *)"),
      attach: declare("void *bpf_program__attach(void *)"),
      pinProgram: declare("int bpf_program__pin(void *, const char *)"),
      pinMap: declare("int bpf_map__pin(void *, const char *)"),
      pinLink: declare("int bpf_link__pin(void *, const char *)"),
      objectGet: declare("int bpf_obj_get(const char *)"),
      infoByFd: declare("int bpf_obj_get_info_by_fd(int, void *, void *)"),
      mapLookup: declare("int bpf_map_lookup_elem(int, void *, void *)"),
      mapUpdate: declare("int bpf_map_update_elem(int, void *, void *, uint64_t)"),
      mapDelete: declare("int bpf_map_delete_elem(int, void *)"),
      mapNextKey: declare("int bpf_map_get_next_key(int, void *, void *)"),
    } as unknown as LibBpf;
  }
  return library;
}

function check(result: number, what: string): void {
  if (result < 0) {
    throw new AgentError("SYSCALL", `${what} failed with errno ${lastErrno() || -result}`);
  }
}

function* walk(next: (previous: NativePointer) => NativePointer): Generator<NativePointer> {
  for (let item = next(null); item !== null; item = next(item)) yield item;
}

/**
 * Loads every program and map of the object file, attaches every program and pins all of them under `folder` as `prog_<name>`,
 * `link_<name>` and `map_<name>`. Attaching comes before pinning: what is pinned is running.
 *
 * Needs CAP_BPF and CAP_PERFMON. Does not check what the object contains.
 *
 * @returns the names of the pins
 * @throws AgentError `BPF_LOAD` with the step that failed
 */
export function loadAttachPin(objectFile: string, folder: string): string[] {
  const fail = (step: string): never => {
    throw new AgentError("BPF_LOAD", `${step} failed with errno ${lastErrno()}`);
  };
  const lib = bpf();
  const object = lib.openFile(objectFile, null) ?? fail(`opening ${objectFile}`);
  if (lib.load(object) < 0) fail("loading the programs into the kernel");
  const pins: string[] = [];
  const programs = [...walk((previous) => lib.nextProgram(object, previous))];
  const links = programs.map(
    (program) => lib.attach(program) ?? fail(`attaching ${lib.programName(program)}`),
  );
  const pin = (name: string, result: number): void => {
    if (result < 0) fail(`pinning ${folder}/${name}`);
    pins.push(name);
  };
  for (const map of walk((previous) => lib.nextMap(object, previous))) {
    const name = `map_${lib.mapName(map)}`;
    pin(name, lib.pinMap(map, `${folder}/${name}`));
  }
  for (const [index, program] of programs.entries()) {
    const name = lib.programName(program);
    pin(`prog_${name}`, lib.pinProgram(program, `${folder}/prog_${name}`));
    pin(`link_${name}`, lib.pinLink(links[index] ?? null, `${folder}/link_${name}`));
  }
  return pins;
}

/** Descriptor of a pinned object. Needs CAP_BPF and read-write permission on the pin. @throws AgentError `BPF_PINS` */
export function openPin(path: string): number {
  const fd = bpf().objectGet(path);
  if (fd < 0) {
    throw new AgentError("BPF_PINS", `cannot open the pin ${path}: errno ${lastErrno() || -fd}`);
  }
  return fd;
}

/** What the kernel says of a loaded program (struct bpf_prog_info, include/uapi/linux/bpf.h). */
export interface ProgramInfo {
  readonly name: string;
  readonly id: number;
  readonly tag: Uint8Array;
  readonly loadTime: number;
  /** Times the kernel skipped the program because it would have run inside itself. */
  readonly recursionMisses: number;
}

const PROGRAM_INFO_BYTES = 232;

/** @throws AgentError `SYSCALL` */
export function programInfo(fd: number): ProgramInfo {
  const info = new Uint8Array(PROGRAM_INFO_BYTES);
  check(bpf().infoByFd(fd, info, Uint32Array.of(PROGRAM_INFO_BYTES)), "reading a program's info");
  const at = (offset: number, length: number): ByteReader =>
    new ByteReader(new ByteReader(info.subarray(offset)).bytes(length));
  return {
    id: at(4, 4).u32le(),
    tag: at(8, 8).bytes(8).slice(),
    loadTime: at(40, 8).u64le(),
    name: Buffer.from(at(64, 16).bytes(16)).toString("latin1").replace(/\0.*$/s, ""),
    recursionMisses: at(208, 8).u64le(),
  };
}

const LINK_INFO_BYTES = 48;

/** Id of the program that an attached link runs. @throws AgentError `SYSCALL` */
export function linkedProgram(fd: number): number {
  const info = new Uint8Array(LINK_INFO_BYTES);
  check(bpf().infoByFd(fd, info, Uint32Array.of(LINK_INFO_BYTES)), "reading a link's info");
  return new ByteReader(info.subarray(8)).u32le();
}

const MAP_INFO_BYTES = 80;

/** `max_entries` of a map, which is the size in bytes of a ring (struct bpf_map_info). @throws AgentError `SYSCALL` */
export function mapSize(map: number): number {
  const info = new Uint8Array(MAP_INFO_BYTES);
  check(bpf().infoByFd(map, info, Uint32Array.of(MAP_INFO_BYTES)), "reading a map's info");
  return new ByteReader(info.subarray(16)).u32le();
}

/** Value of a map's key as 64-bit number, or null when the key is not there. */
export function readCounter(map: number, key: Uint8Array): number | null {
  const value = new Uint8Array(8);
  return bpf().mapLookup(map, key, value) < 0 ? null : new ByteReader(value).u64le();
}

/** @throws AgentError `SYSCALL` */
export function writeCounter(map: number, key: Uint8Array, value: number): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  check(bpf().mapUpdate(map, key, bytes, 0), "writing a map");
}

/**
 * Keys of a map, in the kernel's order. Keys added meanwhile may be missing. After a key that was removed meanwhile the kernel begins
 * again, so there may be keys twice and others not at all; there are never more than the map holds.
 */
export function mapKeys(map: number, keyBytes: number): Uint8Array[] {
  const keys: Uint8Array[] = [];
  let previous: Uint8Array | null = null;
  for (const limit = mapSize(map); keys.length < limit; ) {
    const next = new Uint8Array(keyBytes);
    if (bpf().mapNextKey(map, previous, next) < 0) break;
    keys.push(next);
    previous = next;
  }
  return keys;
}

/** Removes a key; a key that is not there is no error: another may have removed it. */
export function deleteKey(map: number, key: Uint8Array): void {
  bpf().mapDelete(map, key);
}
