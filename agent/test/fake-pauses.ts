// SPDX-License-Identifier: Apache-2.0

/** A wait that a test ends. */
export interface FakePause {
  readonly milliseconds: number;
  readonly end: () => void;
}

/** Waits that last until a test ends them, or their signal aborts. */
export class FakePauses {
  #waiting: FakePause[] = [];
  #onNext: (() => void)[] = [];

  readonly pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== pause);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const pause = { milliseconds, end };
      if (signal.aborted) return end();
      signal.addEventListener("abort", end);
      this.#waiting.push(pause);
      for (const tell of this.#onNext.splice(0)) tell();
    });

  /** The first wait for so many milliseconds, once it has begun. */
  async waiting(milliseconds: number): Promise<FakePause> {
    for (;;) {
      const found = this.#waiting.find((pause) => pause.milliseconds === milliseconds);
      if (found) return found;
      await new Promise<void>((resolve) => this.#onNext.push(resolve));
    }
  }
}
