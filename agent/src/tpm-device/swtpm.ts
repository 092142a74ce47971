// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { responseSize, TpmError } from "@nsattest/tpm";
import type { TpmTransport } from "./transport.ts";

/** Longer than any command takes in software; a TPM that is silent for so long is stuck. */
const ANSWER_TIMEOUT_MS = 60_000;

/** Where swtpm's data channel listens: a unix socket, or TCP. */
export type SwtpmAddress =
  | { readonly path: string }
  | { readonly host: string; readonly port: number };

/**
 * Connects to the data channel of a swtpm, which carries bare commands and answers.
 *
 * swtpm serves one client at a time: while another is connected, commands wait. What an earlier client left loaded
 * stays loaded (see Tpm.flushLeftovers).
 *
 * @throws TpmError `DEVICE_IO` when nobody listens
 */
export async function connectSwtpm(
  address: SwtpmAddress,
  timeoutMs: number = ANSWER_TIMEOUT_MS,
): Promise<TpmTransport> {
  const options: NetConnectOpts = "path" in address ? address : { ...address, noDelay: true };
  const socket = connect(options);
  try {
    await once(socket, "connect");
  } catch (cause) {
    throw new TpmError("DEVICE_IO", "cannot connect to swtpm", { cause });
  }
  return new SwtpmSocket(socket, timeoutMs);
}

interface Waiting {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: TpmError) => void;
}

class SwtpmSocket implements TpmTransport {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | null = null;
  /** Why the connection is of no use any more. */
  #failure: TpmError | null = null;

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    socket.on("data", (segment) => this.#receive(segment));
    socket.on("error", (cause) => this.#fail(new TpmError("DEVICE_IO", "swtpm failed", { cause })));
    socket.on("close", () => this.#fail(new TpmError("DEVICE_CLOSED", "swtpm has hung up")));
    socket.on("timeout", () => {
      // Between commands silence is normal.
      if (this.#waiting) this.#fail(new TpmError("DEVICE_IO", "swtpm does not answer"));
    });
    socket.setTimeout(timeoutMs);
  }

  transceive(command: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      if (this.#waiting) return reject(new TpmError("DEVICE_IO", "a command is under way"));
      this.#waiting = { resolve, reject };
      this.#socket.write(command);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) return resolve();
      this.#socket.once("close", () => resolve());
      this.#fail(new TpmError("DEVICE_CLOSED", "closed"));
    });
  }

  /** An answer may come in any number of segments, but only one was asked for. */
  #receive(segment: Buffer): void {
    this.#received = Buffer.concat([this.#received, segment]);
    try {
      const size = responseSize(this.#received);
      if (size === null || this.#received.length < size) return;
      if (!this.#waiting || this.#received.length > size) {
        throw new TpmError("RESPONSE_MALFORMED", "swtpm sent more than one answer");
      }
    } catch (error) {
      this.#fail(error as TpmError);
      return;
    }
    const answer = new Uint8Array(this.#received);
    const { resolve } = this.#waiting;
    this.#received = Buffer.alloc(0);
    this.#waiting = null;
    resolve(answer);
  }

  #fail(error: TpmError): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = null;
    this.#socket.destroy();
  }
}
