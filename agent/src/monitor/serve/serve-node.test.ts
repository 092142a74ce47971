// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeHookAnswer,
  decodeMonitorAnswer,
  encodeHookRequest,
  encodeMonitorRequest,
  FrameSplitter,
  MONITOR_ANSWER_MAX,
} from "@nsattest/protocol";
import { TpmError } from "@nsattest/tpm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeKernelFolders } from "../../../test/fake-kernel-folders.ts";
import { FakePauses } from "../../../test/fake-pauses.ts";
import { AgentError } from "../../error.ts";
import { ANCHOR_INTERVAL_MS, RETRY_MS, type ServingParts, serveNode } from "./serve-node.ts";

const BOOT_ID = "0d8c6f5e-6d3a-4c89-9f43-0a7d3c1a2b4e";
const FULL = new AgentError("LOG_IO", "no space left");
const GONE = new TpmError("DEVICE_IO", "the chip went away");
const FOREIGN = new AgentError("LOG_FOREIGN_EXTEND", "somebody extended");

let folder: string;
let stop: AbortController;
/** What happens, in order. */
let steps: string[];
let pauses: FakePauses;
/** What the next calls throw. */
let failing: { drain: Error[]; flush: Error[] };
let ring: { onReadable: (() => void) | null };
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-serve-"));
  stop = new AbortController();
  [steps, warnings] = [[], []];
  pauses = new FakePauses();
  failing = { drain: [], flush: [] };
  ring = { onReadable: null };
});

afterEach(() => {
  stop.abort();
  rmSync(folder, { recursive: true });
});

function fail(queue: Error[]): void {
  const error = queue.shift();
  if (error !== undefined) throw error;
}

function parts(onReady: () => void): ServingParts {
  return {
    monitor: {
      open: () => "web/1",
      close: () => true,
      drain: () => {
        steps.push("drain");
        fail(failing.drain);
      },
      flush: async () => {
        steps.push("flush");
        fail(failing.flush);
      },
      evidence: () => Promise.reject(GONE),
    },
    tpm: {
      identity: () => ({
        ekPublic: Uint8Array.of(1),
        ekCertificate: null,
        ekChain: new Uint8Array(0),
        akPublic: Uint8Array.of(2),
      }),
      activate: () => Promise.reject(GONE),
    },
    bootId: BOOT_ID,
    runFolder: folder,
    kernelFolders: new FakeKernelFolders(folder),
    whenRingReadable: (onReadable) => {
      ring.onReadable = onReadable;
      return () => {
        ring.onReadable = null;
      };
    },
    pause: pauses.pause,
    report: (_, message, fields) => warnings.push(`${message}: ${fields?.["error"]}`),
    onReady,
  };
}

/** Begins to serve; `ended` is what it comes to. */
async function serve(): Promise<{ ended: Promise<void> }> {
  let ended: Promise<void> = Promise.resolve();
  await new Promise<void>((ready, failed) => {
    ended = serveNode(parts(ready), stop.signal);
    ended.catch(failed);
  });
  return { ended };
}

async function dial(name: string): Promise<Socket> {
  const socket = connect(join(folder, name));
  await once(socket, "connect");
  return socket;
}

async function answer(socket: Socket): Promise<Uint8Array> {
  const [chunk] = (await once(socket, "data")) as [Buffer];
  return new FrameSplitter(MONITOR_ANSWER_MAX).push(chunk)[0] ?? new Uint8Array(0);
}

describe("the sockets", () => {
  it("are the hook's for the owner alone, and the agent's for its group", async () => {
    const { ended } = await serve();
    const modes = ["hook.sock", "monitor.sock"].map((name) => statSync(join(folder, name)).mode);
    expect(modes.map((mode) => mode & 0o777)).toEqual([0o600, 0o660]);
    const hook = await dial("hook.sock");
    const state = { id: "web", bundle: "/b", pid: 0, status: "stopped" };
    hook.write(encodeHookRequest({ verb: "close", state: Buffer.from(JSON.stringify(state)) }));
    expect(decodeHookAnswer(await answer(hook))).toEqual({ ok: true, message: "closed" });
    const agent = await dial("monitor.sock");
    agent.write(encodeMonitorRequest({ op: "identity" }));
    expect(decodeMonitorAnswer("identity", await answer(agent))).toMatchObject({ bootId: BOOT_ID });
    stop.abort();
    await ended;
    expect(existsSync(join(folder, "hook.sock"))).toBe(false);
  });

  it("say what a peer did that was dropped", async () => {
    const { ended } = await serve();
    for (const name of ["hook.sock", "monitor.sock"]) {
      const socket = await dial(name);
      socket.resume();
      socket.end(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
      await once(socket, "close");
    }
    expect(warnings).toEqual(
      Array(2).fill(expect.stringMatching(/^a peer sent what is no message: ProtocolError/)),
    );
    stop.abort();
    await ended;
  });

  it("are both closed when one of them cannot be made", async () => {
    mkdirSync(join(folder, "monitor.sock"));
    await expect(serve()).rejects.toMatchObject({ code: "ERR_FS_EISDIR" });
    expect(existsSync(join(folder, "hook.sock"))).toBe(false);
  });
});

describe("the ring", () => {
  it("is drained when it can be read", async () => {
    const { ended } = await serve();
    steps = [];
    ring.onReadable?.();
    expect(steps).toEqual(["drain"]);
    stop.abort();
    await ended;
    expect(ring.onReadable).toBeNull();
  });

  it("is left alone for a while when what it holds cannot be written: it stays readable", async () => {
    const { ended } = await serve();
    failing.drain = [FULL];
    ring.onReadable?.();
    const pause = await pauses.waiting(RETRY_MS);
    expect(ring.onReadable).toBeNull();
    expect(warnings).toEqual(["work is put off: AgentError: no space left"]);
    pause.end();
    while (ring.onReadable === null) await new Promise(setImmediate);
    stop.abort();
    await ended;
  });

  it("that holds what is none of ours ends the monitor", async () => {
    const { ended } = await serve();
    const unreadable = new AgentError("KERNEL_EVENT", "not one of ours");
    failing.drain = [unreadable];
    ring.onReadable?.();
    await expect(ended).rejects.toBe(unreadable);
    expect(existsSync(join(folder, "hook.sock"))).toBe(false);
  });
});

describe("the anchor", () => {
  it("is extended again after a pause, one extend at a time", async () => {
    const { ended } = await serve();
    for (let n = 0; n < 3; n++) (await pauses.waiting(ANCHOR_INTERVAL_MS)).end();
    await pauses.waiting(ANCHOR_INTERVAL_MS);
    expect(steps).toEqual(Array(4).fill("flush"));
    stop.abort();
    await ended;
  });

  it.each([
    ["the chip goes away", GONE],
    ["the disk is full", FULL],
  ])("is tried again later when %s", async (_, error) => {
    failing.flush = [error, error];
    const { ended } = await serve();
    for (let n = 0; n < 2; n++) (await pauses.waiting(RETRY_MS)).end();
    await pauses.waiting(ANCHOR_INTERVAL_MS);
    stop.abort();
    await ended;
    expect(warnings).toHaveLength(2);
  });

  it("that was extended by somebody else ends the monitor", async () => {
    failing.flush = [FOREIGN];
    const { ended } = await serve().catch((error: unknown) => ({ ended: Promise.reject(error) }));
    await expect(ended).rejects.toBe(FOREIGN);
  });
});

describe("the end", () => {
  it("comes with a last look at the ring, which is anchored", async () => {
    const { ended } = await serve();
    await pauses.waiting(ANCHOR_INTERVAL_MS);
    steps = [];
    stop.abort();
    await ended;
    expect(steps).toEqual(["drain", "flush"]);
  });

  it("comes at once when it was asked for before the beginning", async () => {
    stop.abort();
    await (await serve()).ended;
    expect(steps).toEqual(["drain", "flush"]);
  });

  it("says when the last look fails", async () => {
    const { ended } = await serve();
    failing.drain = [FULL];
    stop.abort();
    await expect(ended).rejects.toBe(FULL);
  });
});
