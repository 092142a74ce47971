// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeHookAnswer,
  FrameSplitter,
  type HookAnswer,
  ProtocolError,
} from "@nsattest/protocol";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeKernelFolders } from "../../../test/fake-kernel-folders.ts";
import { AgentError } from "../../error.ts";
import type { Declaration } from "../registry/registry.ts";
import { answerHook } from "./hook-requests.ts";

const OPEN = 1;
const CLOSE = 2;

let folder: string;
let kernel: FakeKernelFolders;
let bundle: string;
let opened: Declaration[];
let closed: string[];
/** What the monitor throws, if it does. */
let failure: Error | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-hook-"));
  kernel = new FakeKernelFolders(folder);
  kernel.start(50, { cgroup: "/web", mnt: 7, pid: 8 });
  bundle = join(folder, "bundle");
  mkdirSync(bundle);
  writeConfig("{}");
  opened = [];
  closed = [];
  failure = null;
});

afterEach(() => rmSync(folder, { recursive: true }));

const monitor = {
  open(declaration: Declaration): string {
    if (failure) throw failure;
    opened.push(declaration);
    return `${declaration.containerId}/1`;
  },
  close(containerId: string): boolean {
    if (failure) throw failure;
    closed.push(containerId);
    return containerId === "web";
  },
};

function writeConfig(text: string): void {
  writeFileSync(join(bundle, "config.json"), text);
}

function payload(verb: number, state: unknown): Uint8Array {
  const text = typeof state === "string" ? state : JSON.stringify(state);
  return Buffer.concat([Uint8Array.of(verb), Buffer.from(text)]);
}

function ask(bytes: Uint8Array): HookAnswer {
  const [answer = new Uint8Array(0)] = new FrameSplitter(4096).push(
    answerHook(monitor, kernel, bytes),
  );
  return decodeHookAnswer(answer);
}

const state = (over: object = {}): object => ({
  ociVersion: "1.0.2",
  id: "web",
  status: "creating",
  pid: 50,
  bundle,
  annotations: { "nsattest.dev/image": "sha256:00", other: "x" },
  ...over,
});

describe("createRuntime", () => {
  it("declares the container with what the kernel says of its process", () => {
    expect(ask(payload(OPEN, state()))).toEqual({ ok: true, message: "web/1" });
    expect(opened).toEqual([
      {
        containerId: "web",
        place: { cgroup: kernel.idOf("/web"), mountNamespace: 7, pidNamespace: 8 },
        runtime: "oci",
        declared: true,
        privileged: [],
        labels: [
          ["image", "sha256:00"],
          ["name", "web"],
        ],
      },
    ]);
  });

  it("needs no image", () => {
    ask(payload(OPEN, state({ annotations: {} })));
    expect(opened[0]?.labels).toEqual([["name", "web"]]);
  });

  it("says why the container may act as the host", () => {
    writeConfig(
      JSON.stringify({ process: { capabilities: { bounding: ["CAP_BPF"] } }, mounts: [] }),
    );
    kernel.start(51, { cgroup: "/db", mnt: 7 });
    ask(payload(OPEN, state({ pid: 51 })));
    expect(opened[0]?.privileged).toEqual(["CAP_BPF", "host-pid-namespace"]);
  });

  it.each([
    ["is not there", (): void => rmSync(join(bundle, "config.json"))],
    ["is no JSON", (): void => writeConfig("{")],
    ["is too deep", (): void => writeConfig("[".repeat(1 << 20))],
    ["is too long", (): void => writeConfig(`"${"x".repeat(8 << 20)}"`)],
    ["is empty", (): void => writeConfig("")],
    [
      "is a pipe that nobody writes",
      (): void => {
        rmSync(join(bundle, "config.json"));
        execFileSync("mkfifo", [join(bundle, "config.json")]);
      },
    ],
    [
      "is a device that never ends",
      (): void => {
        rmSync(join(bundle, "config.json"));
        symlinkSync("/dev/zero", join(bundle, "config.json"));
      },
    ],
  ])("counts a container as privileged whose config.json %s", (_, spoil) => {
    spoil();
    expect(ask(payload(OPEN, state()))).toMatchObject({ ok: true });
    expect(opened[0]?.privileged).toEqual(["config-unreadable"]);
  });

  it.each([
    ["names no process", { pid: undefined }, "CONTAINER_PROCESS"],
    ["names a process that is gone", { pid: 4000 }, "CONTAINER_PROCESS"],
    ["names a process without a cgroup of its own", { pid: 1 }, "CONTAINER_CGROUP"],
    ["has an id that is a path", { id: "../x" }, "FIELD_INVALID"],
    ["has a bundle that is not absolute", { bundle: "x" }, "FIELD_INVALID"],
    ["has a pid that is none", { pid: "50; id" }, "FIELD_INVALID"],
    ["has no id", { id: undefined }, "FIELD_MISSING"],
    ["has annotations that are none", { annotations: [1] }, "FIELD_INVALID"],
  ])("is refused when the state %s", (_, over, code) => {
    const { ok, message } = ask(payload(OPEN, state(over)));
    expect(ok).toBe(false);
    expect(message).toMatch(new RegExp(`^${code}: `));
    expect(opened).toEqual([]);
  });

  it.each([
    [new AgentError("LOG_IO", "no space left"), "LOG_IO: no space left"],
    [new ProtocolError("FIELD_INVALID", "ns-open.labels"), "FIELD_INVALID: ns-open.labels"],
    [new TypeError("a fault of ours"), "INTERNAL: a fault of ours"],
  ])("is refused when the monitor cannot write it down: %s", (error, message) => {
    failure = error;
    expect(ask(payload(OPEN, state()))).toEqual({ ok: false, message });
  });
});

describe("poststop", () => {
  it("closes what is open", () => {
    const ended = state({ status: "stopped", pid: undefined });
    expect(ask(payload(CLOSE, ended))).toEqual({ ok: true, message: "closed" });
    expect(closed).toEqual(["web"]);
  });

  it("agrees to the end of a container that was never declared: nothing is to be stopped any more", () => {
    expect(ask(payload(CLOSE, state({ id: "other", pid: 0 })))).toEqual({
      ok: true,
      message: "was not open",
    });
  });
});

describe("bytes that are no request", () => {
  it.each([
    ["an unknown verb", payload(9, state())],
    ["no state", payload(OPEN, "")],
    ["text that is no JSON", payload(OPEN, "{")],
    ["JSON that is no object", payload(OPEN, "[]")],
    ["nothing", new Uint8Array(0)],
  ])("are refused with a code: %s", (_, bytes) => {
    const { ok, message } = ask(bytes);
    expect(ok).toBe(false);
    expect(message).toMatch(/^[A-Z]+_[A-Z_]+: /);
  });

  it("are refused whatever they are", () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .tuple(fc.constantFrom(OPEN, CLOSE), fc.jsonValue())
        .map(([verb, value]) => payload(verb, JSON.stringify(value))),
      fc
        .tuple(fc.constantFrom("id", "pid", "bundle", "status", "annotations"), fc.jsonValue())
        .filter(([, value]) => typeof value === "object")
        .map(([key, value]) => payload(OPEN, state({ [key]: value }))),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const { ok, message } = ask(bytes);
        if (!ok) expect(message).not.toMatch(/^INTERNAL/);
      }),
    );
  });
});
