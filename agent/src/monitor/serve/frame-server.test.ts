// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeFrame, FrameSplitter } from "@nsattest/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FrameServer, type FrameServerOptions, serveFrames } from "./frame-server.ts";

const MAX = 1 << 20;

let folder: string;
let path: string;
let bad: unknown[];
/** Resolves with the first error of a bad peer. */
let firstBad: Promise<unknown>;
let onBadPeer: (error: unknown) => void;
let server: FrameServer | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-frames-"));
  path = join(folder, "s.sock");
  bad = [];
  firstBad = new Promise((resolve) => {
    onBadPeer = (error) => {
      bad.push(error);
      resolve(error);
    };
  });
  server = null;
});

afterEach(() => {
  server?.close();
  rmSync(folder, { recursive: true });
});

const echo: FrameServerOptions["answer"] = async (payload) => encodeFrame(payload, MAX);

async function listen(options: Partial<FrameServerOptions> = {}): Promise<void> {
  server = await serveFrames({
    path,
    mode: 0o600,
    maxRequestBytes: 64,
    maxConnections: 4096,
    idleMilliseconds: 60_000,
    answer: echo,
    onBadPeer,
    ...options,
  });
}

async function dial(): Promise<Socket> {
  const socket = connect(path);
  // A server that hangs up is what some of the tests are about.
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

const frame = (text: string): Uint8Array => encodeFrame(Buffer.from(text), MAX);

/** The next `count` answers. */
async function answers(socket: Socket, count: number): Promise<string[]> {
  const splitter = new FrameSplitter(MAX);
  const found: string[] = [];
  while (found.length < count) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    found.push(...splitter.push(chunk).map((payload) => Buffer.from(payload).toString()));
  }
  return found;
}

describe("requests", () => {
  it("are answered in their order, however they are cut", async () => {
    const turns: (() => void)[] = [];
    await listen({
      answer: async (payload) => {
        // The first answer takes longest.
        if (turns.length === 0) await new Promise<void>((resolve) => turns.push(resolve));
        return echo(payload);
      },
    });
    const socket = await dial();
    const both = Buffer.concat([frame("one"), frame("two")]);
    socket.write(both.subarray(0, 3));
    socket.write(both.subarray(3));
    while (turns.length === 0) await new Promise(setImmediate);
    turns[0]?.();
    expect(await answers(socket, 2)).toEqual(["one", "two"]);
  });

  it("are answered to a peer that has said it is done asking", async () => {
    await listen();
    const socket = await dial();
    socket.end(frame("last words"));
    expect(await answers(socket, 1)).toEqual(["last words"]);
    await once(socket, "close");
    expect(bad).toEqual([]);
  });

  it("of a thousand peers at once are all answered", async () => {
    await listen();
    const sockets: Socket[] = [];
    while (sockets.length < 1000) sockets.push(await dial());
    const all = sockets.map((socket, n) => {
      socket.write(frame(`container ${n}`));
      return answers(socket, 1);
    });
    expect(await Promise.all(all)).toEqual(sockets.map((_, n) => [`container ${n}`]));
    for (const socket of sockets) socket.destroy();
  });
});

describe("a peer that does not behave", () => {
  it.each([
    ["says it will send more than is allowed", Buffer.from("00000041", "hex"), "FRAME_TOO_LARGE"],
    ["sends an empty frame", Buffer.from("00000000", "hex"), "FRAME_EMPTY"],
    ["leaves within a frame", Buffer.from("0000000361", "hex"), "FRAME_TRUNCATED"],
  ])("is dropped and reported when it %s", async (_, bytes, code) => {
    await listen();
    const socket = await dial();
    socket.end(bytes);
    socket.resume();
    await once(socket, "close");
    expect(bad).toMatchObject([{ code }]);
    const next = await dial();
    next.write(frame("still there?"));
    expect(await answers(next, 1)).toEqual(["still there?"]);
  });

  it("may leave before its answer: it is reported as what it is, and nothing else happens", async () => {
    let socket: Socket | undefined;
    await listen({
      answer: async (payload) => {
        socket?.destroy();
        if (socket) await once(socket, "close");
        return echo(payload);
      },
    });
    socket = await dial();
    socket.write(frame("open"));
    expect(await firstBad).toMatchObject({ code: "EPIPE" });
    expect(bad).toHaveLength(1);
  });

  it("may connect and leave without a word", async () => {
    await listen();
    const socket = await dial();
    socket.destroy();
    await once(socket, "close");
    (await dial()).destroy();
    expect(bad).toEqual([]);
  });

  it("and never reads costs one answer, then its connection", async () => {
    let asked = 0;
    await listen({
      idleMilliseconds: 50,
      // Larger than what the kernel takes for a peer that does not read.
      answer: async () => {
        asked++;
        return encodeFrame(new Uint8Array(MAX), MAX);
      },
    });
    const socket = await dial();
    for (let n = 0; n < 100; n++) socket.write(frame("more"));
    await firstBad;
    expect(asked).toBe(1);
    socket.destroy();
  });

  it("and asks for what cannot be answered is dropped alone", async () => {
    await listen({ answer: () => Promise.reject(new Error("a fault of ours")) });
    const socket = await dial();
    socket.write(frame("x"));
    await once(socket, "close");
    expect(bad).toMatchObject([{ message: "a fault of ours" }]);
  });

  it("is turned away when there are too many", async () => {
    await listen({ maxConnections: 1 });
    const first = await dial();
    first.write(frame("in"));
    await answers(first, 1);
    const second = connect(path);
    second.on("error", () => undefined);
    await once(second, "close");
    first.write(frame("still in"));
    expect(await answers(first, 1)).toEqual(["still in"]);
  });
});

describe("the socket", () => {
  it("has the mode it was given, and replaces one that was left behind", async () => {
    writeFileSync(path, "left behind");
    await listen({ mode: 0o640 });
    const { mode } = statSync(path);
    expect(mode & 0o777).toBe(0o640);
  });

  it("cannot be where there is no folder", async () => {
    await expect(listen({ path: join(folder, "no", "s.sock") })).rejects.toMatchObject({
      syscall: "listen",
    });
  });

  it("is gone after close, and so are the peers", async () => {
    await listen();
    const socket = await dial();
    server?.close();
    await once(socket, "close");
    expect(existsSync(path)).toBe(false);
    expect(bad).toEqual([]);
  });
});
