// SPDX-License-Identifier: Apache-2.0

import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { FrameSplitter } from "@nsattest/protocol";

/** A socket that answers each frame with bytes. */
export interface FrameServerOptions {
  readonly path: string;
  readonly mode: number;
  readonly maxRequestBytes: number;
  /** A peer that neither sends nor takes anything for so long is dropped. */
  readonly idleMilliseconds: number;
  /** Answer as a whole frame. Never rejects: what goes wrong is part of the answer. */
  readonly answer: (payload: Uint8Array) => Promise<Uint8Array>;
  readonly onBadPeer: (error: unknown) => void;
}

/** Connections served at once; the kernel queues more. */
const CONNECTIONS_MAX = 512;

/**
 * Listens on a unix socket whose file mode says who may connect. Requests of one connection are answered in their order; bytes that
 * are no frame end the connection, and nothing else.
 *
 * Replaces a socket file left by an earlier process: who may write the folder is for the service manager to say.
 */
export function serveFrames(options: FrameServerOptions): Promise<Server> {
  rmSync(options.path, { force: true });
  const server = createServer((socket) => serve(socket, options));
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.path, () => {
      chmodSync(options.path, options.mode);
      resolve(server);
    });
  });
}

function serve(socket: Socket, options: FrameServerOptions): void {
  const splitter = new FrameSplitter(options.maxRequestBytes);
  let last: Promise<void> = Promise.resolve();
  socket.setTimeout(options.idleMilliseconds, () => socket.destroy());
  socket.on("error", options.onBadPeer);
  socket.on("data", (chunk) => {
    try {
      for (const payload of splitter.push(chunk)) {
        last = last.then(async () => {
          const answer = await options.answer(payload);
          if (socket.writable) socket.write(answer);
        });
      }
    } catch (error) {
      options.onBadPeer(error);
      socket.destroy();
    }
  });
}
