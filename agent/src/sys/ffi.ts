// SPDX-License-Identifier: Apache-2.0

import koffi from "koffi";
import { AgentError } from "../error.ts";

/** Something in native memory. Opaque: only functions of this folder look behind it. */
export type NativePointer = bigint | null;

interface LibC {
  readonly mmap: (
    address: null,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ) => NativePointer;
  readonly flock: (fd: number, operation: number) => number;
}

let libc: LibC | undefined;

function c(): LibC {
  if (libc === undefined) {
    const library = koffi.load("libc.so.6");
    libc = {
      mmap: library.func("void *mmap(void *, size_t, int, int, int, int64_t)") as LibC["mmap"],
      flock: library.func("int flock(int, int)") as LibC["flock"],
    };
  }
  return libc;
}

/** A shared library whose functions are declared in C syntax. @throws AgentError `SYSCALL` when it is not installed */
export function loadLibrary(name: string): (declaration: string) => CallableFunction {
  try {
    const library = koffi.load(name);
    return (declaration) => library.func(declaration);
  } catch (cause) {
    throw new AgentError("SYSCALL", `${name} cannot be loaded; is it installed?`, { cause });
  }
}

/** `errno` of the last native call. */
export function lastErrno(): number {
  return koffi.errno();
}

/**
 * Maps `length` bytes of `fd` shared, for reading or for reading and writing, and returns them as memory that changes under
 * the reader. Never unmapped: a mapping lives as long as the process.
 *
 * @throws AgentError `SYSCALL`
 */
export function mapShared(
  fd: number,
  offset: number,
  length: number,
  writable: boolean,
): ArrayBuffer {
  const PROT_READ = 1;
  const PROT_WRITE = 2;
  const MAP_SHARED = 1;
  const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const address = c().mmap(null, length, protection, MAP_SHARED, fd, offset);
  if (address === null || BigInt.asIntN(64, BigInt(address)) === -1n) {
    throw new AgentError("SYSCALL", `mmap of ${length} bytes failed with errno ${lastErrno()}`);
  }
  return koffi.view(address, length);
}

/** Takes an exclusive advisory lock without waiting; false when another process holds it. */
export function tryLock(fd: number): boolean {
  const LOCK_EX = 2;
  const LOCK_NB = 4;
  return c().flock(fd, LOCK_EX | LOCK_NB) === 0;
}

/** Calls `onReadable` on the event loop whenever `fd` can be read. Returns the function that ends it. */
export function whenReadable(fd: number, onReadable: () => void): () => void {
  const handle = koffi.node.poll(fd, { readable: true }, onReadable);
  return () => handle.close();
}
