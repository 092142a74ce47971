// SPDX-License-Identifier: Apache-2.0
import { createServer, type Socket } from "node:net";
import { LabError } from "./error.ts";

// The frames of guest/lab-shell.c.
const HEADER = 9;
const START = 1;
const STDIN = 2;
const SIGNAL = 3;
const HELLO = 0;
const STDOUT = 1;
const STDERR = 2;
const EXIT = 3;
const INPUT_CHUNK = 64 * 1024;

/** Who wants to hear of one command. */
export interface CommandSink {
  output(stream: "stdout" | "stderr", bytes: Buffer): void;
  exit(code: number): void;
  fail(error: LabError): void;
}

/** The command channel of one machine: any number of commands over one virtio-serial port. */
export class GuestChannel {
  readonly #socket: Socket;
  readonly #sinks = new Map<number, CommandSink>();
  readonly #ready: Promise<void>;
  #announceReady: () => void = () => undefined;
  #pending: Buffer[] = [];
  #pendingLength = 0;
  #next = 1;
  #broken: LabError | null = null;

  /** `lastWords` tells, when the socket has closed, what the machine said before it ended. */
  constructor(socket: Socket, lastWords: () => Promise<string>) {
    this.#socket = socket;
    this.#ready = new Promise((resolve) => {
      this.#announceReady = resolve;
    });
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("close", () => {
      void lastWords().then((words) => {
        this.fail(new LabError("LAB_CHANNEL", `the machine ended; its last words:\n${words}`));
      });
    });
    socket.on("error", () => undefined); // "close" follows
  }

  /** Resolves when the machine is up and listens. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Starts `argv` in the machine and returns its channel number. */
  start(argv: readonly string[], sink: CommandSink): number {
    const channel = this.#next++;
    if (this.#broken !== null) {
      sink.fail(this.#broken);
      return channel;
    }
    this.#sinks.set(channel, sink);
    this.#send(channel, START, Buffer.from(argv.map((argument) => `${argument}\0`).join("")));
    return channel;
  }

  /** Sends `bytes` to a command's standard input. */
  write(channel: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += INPUT_CHUNK) {
      this.#send(channel, STDIN, bytes.subarray(at, at + INPUT_CHUNK));
    }
  }

  /** Ends a command's standard input. */
  end(channel: number): void {
    this.#send(channel, STDIN, Buffer.alloc(0));
  }

  /** Sends a signal to a command's process group. */
  signal(channel: number, number: number): void {
    this.#send(channel, SIGNAL, Buffer.from([number]));
  }

  /** Ends the channel: every command that still runs fails with `error`. */
  fail(error: LabError): void {
    this.#broken ??= error;
    this.#socket.destroy();
    const sinks = [...this.#sinks.values()];
    this.#sinks.clear();
    for (const sink of sinks) sink.fail(this.#broken);
  }

  #send(channel: number, type: number, payload: Uint8Array): void {
    if (this.#broken !== null) return;
    const header = Buffer.alloc(HEADER);
    header.writeUInt32BE(payload.length, 0);
    header.writeUInt32BE(channel, 4);
    header.writeUInt8(type, 8);
    this.#socket.write(Buffer.concat([header, payload]));
  }

  #take(chunk: Buffer): void {
    this.#pending.push(chunk);
    this.#pendingLength += chunk.length;
    if (this.#pendingLength < HEADER) return;
    let bytes = Buffer.concat(this.#pending);
    while (bytes.length >= HEADER && bytes.length >= HEADER + bytes.readUInt32BE(0)) {
      const end = HEADER + bytes.readUInt32BE(0);
      this.#dispatch(bytes.readUInt32BE(4), bytes.readUInt8(8), bytes.subarray(HEADER, end));
      bytes = bytes.subarray(end);
    }
    this.#pending = [bytes];
    this.#pendingLength = bytes.length;
  }

  #dispatch(channel: number, type: number, payload: Buffer): void {
    if (type === HELLO) this.#announceReady();
    const sink = this.#sinks.get(channel);
    if (sink === undefined) return;
    if (type === STDOUT) sink.output("stdout", payload);
    if (type === STDERR) sink.output("stderr", payload);
    if (type === EXIT) {
      this.#sinks.delete(channel);
      sink.exit(payload.readUInt32BE(0));
    }
  }
}

/** Waits for one machine. */
export interface GuestListener {
  /** The channel, once the machine takes commands. */
  readonly guest: Promise<GuestChannel>;
  /** Stops listening; the channel stays. */
  close(): Promise<void>;
}

/**
 * Listens at the Unix socket `path` for the QEMU that will carry the channel; `lastWords` tells what the machine said before
 * it ended, for the error of every command that waits.
 */
export async function listenForGuest(
  path: string,
  lastWords: () => Promise<string>,
): Promise<GuestListener> {
  const server = createServer();
  const guest = new Promise<GuestChannel>((resolve) => {
    server.once("connection", (socket) => {
      const channel = new GuestChannel(socket, lastWords);
      void channel.ready.then(() => resolve(channel));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return { guest, close };
}
