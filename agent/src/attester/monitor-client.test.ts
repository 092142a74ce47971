// SPDX-License-Identifier: Apache-2.0

import { getEventListeners } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeMonitorRequest,
  encodeMonitorAnswer,
  encodeMonitorRefusal,
  FrameSplitter,
  MONITOR_REQUEST_MAX,
  type MonitorRequest,
} from "@nsattest/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMonitorClient, type MonitorClient } from "./monitor-client.ts";

const IDENTITY = {
  bootId: "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e",
  ekPublic: Uint8Array.of(1),
  ekCertificate: null,
  ekChain: new Uint8Array(0),
  akPublic: Uint8Array.of(2),
};
const UNREACHABLE = { name: "AttesterError", code: "MONITOR_UNREACHABLE" };

let folder: string;
let path: string;
let server: Server;
let stop: AbortController;
let sockets: Socket[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-client-"));
  path = join(folder, "m.sock");
  stop = new AbortController();
  sockets = [];
  server = createServer();
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

/** A monitor that does this with each request; `asked` are all of them. */
async function monitor(act: (socket: Socket) => void): Promise<MonitorRequest[]> {
  const asked: MonitorRequest[] = [];
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    const splitter = new FrameSplitter(MONITOR_REQUEST_MAX);
    socket.on("data", (chunk) => {
      for (const payload of splitter.push(chunk)) {
        asked.push(decodeMonitorRequest(payload));
        act(socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return asked;
}

function client(timeoutMs = 60_000): MonitorClient {
  return createMonitorClient(path, timeoutMs, stop.signal);
}

describe("a request", () => {
  it("is answered over a connection of its own", async () => {
    const answer = encodeMonitorAnswer("identity", IDENTITY);
    const asked = await monitor((socket) => socket.write(answer));
    const one = client();
    for (const _ of [1, 2]) {
      expect(await one.ask({ op: "identity" })).toEqual({ ok: true, ...IDENTITY });
    }
    expect(asked).toEqual([{ op: "identity" }, { op: "identity" }]);
    expect(sockets).toHaveLength(2);
  });

  it("may be answered in pieces, and with much", async () => {
    const evidence = new Uint8Array(1 << 20).fill(3);
    const frame = encodeMonitorAnswer("evidence", { evidence });
    await monitor((socket) => {
      socket.write(frame.subarray(0, 3), () => socket.write(frame.subarray(3)));
    });
    const nonce = new Uint8Array(32);
    const answer = await client().ask({
      op: "evidence",
      nonce,
      listOffset: 0,
      logOffset: 0,
      bank: "sha256",
      pcrs: [10, 13],
      bootLog: false,
    });
    expect(Buffer.from(answer.evidence).equals(evidence)).toBe(true);
  });

  it("may be refused", async () => {
    const refusal = encodeMonitorRefusal({ code: "LOG_IO", message: "no space left" });
    await monitor((socket) => socket.write(refusal));
    await expect(client().ask({ op: "identity" })).rejects.toMatchObject({
      code: "MONITOR_REFUSED",
      message: "the monitor refuses identity: LOG_IO: no space left",
    });
  });
});

describe("a monitor that does not answer", () => {
  it("because it is not there", async () => {
    await expect(client().ask({ op: "identity" })).rejects.toMatchObject({
      ...UNREACHABLE,
      message: expect.stringContaining("ENOENT"),
    });
  });

  it("because it ended", async () => {
    await monitor((socket) => socket.destroy());
    await expect(client().ask({ op: "identity" })).rejects.toMatchObject(UNREACHABLE);
  });

  it("because it ended within its answer", async () => {
    const answer = encodeMonitorAnswer("identity", IDENTITY);
    await monitor((socket) => socket.end(answer.subarray(0, answer.length - 1)));
    await expect(client().ask({ op: "identity" })).rejects.toMatchObject(UNREACHABLE);
  });

  it("because it is stopped", async () => {
    await monitor(() => undefined);
    await expect(client(20).ask({ op: "identity" })).rejects.toMatchObject({
      ...UNREACHABLE,
      message: expect.stringContaining("no answer within 20 ms"),
    });
  });

  it("holds nobody up who is to end", async () => {
    await monitor(() => stop.abort());
    await expect(client().ask({ op: "identity" })).rejects.toMatchObject(UNREACHABLE);
    await expect(client().ask({ op: "identity" })).rejects.toMatchObject(UNREACHABLE);
  });

  it("leaves nothing behind, and neither does one that does", async () => {
    const answer = encodeMonitorAnswer("identity", IDENTITY);
    await monitor((socket) => (sockets.length % 2 ? socket.destroy() : socket.write(answer)));
    for (let n = 0; n < 10; n++) {
      await client()
        .ask({ op: "identity" })
        .catch(() => undefined);
    }
    // The last socket closes a little later.
    while (getEventListeners(stop.signal, "abort").length > 0) await new Promise(setImmediate);
  });
});

describe("an answer that is none", () => {
  it.each([
    ["no frame", "00000000", { code: "MONITOR_UNREACHABLE" }],
    ["too long a frame", "ffffffff", { code: "MONITOR_UNREACHABLE" }],
    ["no CBOR", "00000001ff", { name: "ProtocolError" }],
    ["another answer", "00000004a1626f6b", { name: "ProtocolError" }],
  ])("is an error: %s", async (_, bytes, error) => {
    await monitor((socket) => socket.write(Buffer.from(bytes, "hex")));
    await expect(client().ask({ op: "identity" })).rejects.toMatchObject(error);
  });
});
