// SPDX-License-Identifier: Apache-2.0
import { LabError } from "./error.ts";
import type { GuestChannel } from "./guest-channel.ts";

/** How a command ended. */
export interface CommandResult {
  /** Exit code, or 128 and the signal's number. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** How a command is run. */
export interface RunOptions {
  /** Its standard input; without it the input is empty. */
  readonly input?: string | Uint8Array;
  /** Milliseconds until it is killed with its process group. Default: 60,000. */
  readonly timeout?: number;
}

/** A command that runs in the machine. */
export class GuestCommand {
  readonly #channel: GuestChannel;
  readonly #number: number;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #wake: () => void = () => undefined;
  #changed: Promise<void> = Promise.resolve();
  #ended = false;

  /** How it ended; rejects with `LAB_CHANNEL` when the machine ends first. */
  readonly result: Promise<CommandResult>;

  constructor(channel: GuestChannel, argv: readonly string[]) {
    this.#channel = channel;
    this.#rearm();
    let number = 0;
    this.result = new Promise((resolve, reject) => {
      number = channel.start(argv, {
        output: (stream, bytes) => {
          (stream === "stdout" ? this.#stdout : this.#stderr).push(bytes);
          this.#wake();
        },
        exit: (code) => {
          this.#ended = true;
          this.#wake();
          resolve({ code, stdout: this.stdout, stderr: this.stderr });
        },
        fail: (error) => {
          this.#ended = true;
          this.#wake();
          reject(error);
        },
      });
    });
    this.result.catch(() => undefined); // whoever asks for it still gets the rejection
    this.#number = number;
  }

  /** What it wrote so far. */
  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  /** What it complained of so far. */
  get stderr(): Buffer {
    return Buffer.concat(this.#stderr);
  }

  /** Sends bytes to its standard input. */
  write(bytes: string | Uint8Array): void {
    this.#channel.write(this.#number, Buffer.from(bytes));
  }

  /** Ends its standard input. */
  end(): void {
    this.#channel.end(this.#number);
  }

  /** Sends a signal (a number, as guests and hosts may differ in names) to its process group. */
  signal(number: number): void {
    this.#channel.signal(this.#number, number);
  }

  /**
   * Waits until standard output contains `text`.
   *
   * @throws LabError `LAB_COMMAND` when the command ends without having written it
   */
  async waitFor(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      if (this.#ended) {
        throw new LabError(
          "LAB_COMMAND",
          `ended without saying "${text}":\n${this.stdout}${this.stderr}`,
        );
      }
      await this.#changed;
      this.#rearm();
    }
  }

  #rearm(): void {
    this.#changed = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
