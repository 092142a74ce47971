// SPDX-License-Identifier: Apache-2.0

// What no input may exceed. Times are those of the thread (see thread-clock.ts), multiplied for machines that are slow.

const MIB = 1024 * 1024;

/** How much slower the machine may be that tests, while others use its caches and its cores. */
export const SLOWNESS = 4;

/** Milliseconds for one input of at most 64 KiB, the least of {@link ATTEMPTS}. */
export const TIME_MAX: number = SLOWNESS * 50;

/** An input that seems to be too slow or to take too much memory is tried this often before it is believed. */
export const ATTEMPTS = 5;

/** Milliseconds after which an input that has not ended is stopped and reported. */
export const HANG_MAX = 10_000;

/** Bytes that may be allocated for an input: a constant, and a multiple of the input's size. */
export const ALLOCATED_MAX: number = 2 * MIB;
export const ALLOCATED_PER_BYTE = 256;

/**
 * Bytes by which a target's memory may grow between the first check and any later one: bounded caches included, and what V8 keeps of
 * the shapes of hundreds of thousands of objects with names it has never seen.
 */
export const GROWTH_MAX: number = 64 * MIB;

/** Mebibytes of heap of a worker: beyond it ends, and its input is reported. */
export const HEAP_MAX_MIB = 512;

/** Inputs that are kept to start from, and bytes of all of them. */
export const CORPUS_MAX = 1024;
export const CORPUS_BYTES_MAX: number = 4 * MIB;
