// SPDX-License-Identifier: Apache-2.0

/**
 * The input that a worker is trying, in memory that outlives it: so it is known which one never ended or brought the
 * worker down. One side writes, the other reads.
 */
export class SharedInput {
  readonly memory: SharedArrayBuffer;
  /** Number of beginnings and ends: odd while an input is tried. Then the input's size. */
  readonly #state: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#state = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory, 8);
  }

  /** Room for inputs of `inputMax` bytes. */
  static for(inputMax: number): SharedInput {
    return new SharedInput(new SharedArrayBuffer(8 + inputMax));
  }

  begin(input: Uint8Array): void {
    this.#bytes.set(input);
    Atomics.store(this.#state, 1, input.length);
    Atomics.add(this.#state, 0, 1);
  }

  end(): void {
    Atomics.add(this.#state, 0, 1);
  }

  /** Changes whenever an input begins or ends. */
  get step(): number {
    return Atomics.load(this.#state, 0);
  }

  /** True while an input is tried. */
  get isBusy(): boolean {
    return this.step % 2 === 1;
  }

  /** A copy of the last input that began. */
  get input(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#state, 1));
  }
}
