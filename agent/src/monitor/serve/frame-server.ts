// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { FrameSplitter, ProtocolError } from "@nsattest/protocol";

/** A socket that answers each frame with bytes. */
export interface FrameServerOptions {
  readonly path: string;
  readonly mode: number;
  readonly maxRequestBytes: number;
  /** Connections served at once; more are closed without an answer. */
  readonly maxConnections: number;
  /** A peer that neither sends nor takes anything for so long is dropped. */
  readonly idleMilliseconds: number;
  /** Answer as a whole frame; what goes wrong is part of the answer. */
  readonly answer: (payload: Uint8Array) => Promise<Uint8Array>;
  /** A peer sent what is no frame (ProtocolError), left before it had its answer, or could not be let in. */
  readonly onBadPeer: (error: unknown) => void;
}

/** A server that listens. */
export interface FrameServer {
  /** Takes no more connections and drops those there are. */
  close(): void;
}

/**
 * Listens on a unix socket whose file mode says who may connect. Requests of one connection are answered in their order, each after the
 * peer took the answer before it: a peer that does not read costs one answer. Bytes that are no frame end the connection, and nothing
 * else.
 *
 * Replaces a socket file left by an earlier process: who may write the folder is for the service manager to say.
 */
export async function serveFrames(options: FrameServerOptions): Promise<FrameServer> {
  const sockets = new Set<Socket>();
  // A peer may say that it is done asking and still wait for the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    void serve(socket, options);
  });
  server.maxConnections = options.maxConnections;
  rmSync(options.path, { force: true });
  server.listen(options.path);
  await once(server, "listening");
  // Such as no descriptor left: nobody's end but that of one connection.
  server.on("error", options.onBadPeer);
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  try {
    chmodSync(options.path, options.mode);
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}

async function serve(socket: Socket, options: FrameServerOptions): Promise<void> {
  const splitter = new FrameSplitter(options.maxRequestBytes);
  let answering = false;
  socket.setTimeout(options.idleMilliseconds, () => socket.destroy());
  try {
    // Nothing more is read while a request is answered.
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      for (const payload of splitter.push(chunk)) {
        answering = true;
        await send(socket, await options.answer(payload));
        answering = false;
      }
    }
    splitter.end();
  } catch (error) {
    // Who neither asks nor waits for anything may leave as it likes.
    if (answering || error instanceof ProtocolError) options.onBadPeer(error);
  }
  socket.destroy();
}

/** Resolves when the kernel has all of `bytes`: it delivers them also after the socket is closed. */
function send(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => {
      // What was under way when the socket was dropped ends without an error.
      if (!error && socket.destroyed) reject(new Error("the peer did not take its answer in time"));
      else if (error) reject(error);
      else resolve();
    });
  });
}
