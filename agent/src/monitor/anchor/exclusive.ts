// SPDX-License-Identifier: Apache-2.0

/**
 * Runs asynchronous work one after the other. A quote and the batches it covers must not have an extend between them, and only one extend
 * may be under way.
 */
export class Exclusive {
  #last: Promise<unknown> = Promise.resolve();

  /** Result of `work`, which begins when everything given before has ended, in success or failure. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
