// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  decodeHookRequest,
  encodeHookAnswer,
  FrameSplitter,
  HOOK_REQUEST_MAX,
  type HookRequest,
} from "@nsattest/protocol";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

const BUILD = fileURLToPath(new URL("../build.sh", import.meta.url));
const UID = String(process.getuid?.());
const STATE = '{"ociVersion":"1.0.2","id":"web","status":"creating","pid":7,"bundle":"/b"}';
const IS_ROOT = UID === "0";
const NOBODY = 65_534;
const MIB = 1024 * 1024;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly args?: readonly string[];
  /** null: standard input is closed; "open": it never ends. */
  readonly input?: Uint8Array | string | null | "open";
  readonly env?: Readonly<Record<string, string>>;
}

let built: string;
let hook: string;
let folder: string;
let path: string;
let server: Server | null = null;
const connections = new Set<Socket>();

beforeAll(async () => {
  built = await mkdtemp(join(tmpdir(), "nsattest-hook-"));
  hook = join(built, "nsattest-hook");
  expect(await finished(spawn("sh", [BUILD, hook]))).toMatchObject({ code: 0, stderr: "" });
});

afterAll(() => rm(built, { recursive: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(built, "run-"));
  path = join(folder, "hook.sock");
});

afterEach(async () => {
  for (const connection of connections) connection.destroy();
  const listening = server;
  server = null;
  if (listening !== null) await new Promise((resolve) => listening.close(resolve));
});

describe("when the monitor answers", () => {
  test.each([
    ["createRuntime", "open"],
    ["poststop", "close"],
  ] as const)("%s carries the state as %s and agrees silently", async (verb, expected) => {
    const requests = await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
    expect(await run({ args: [verb] })).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(requests).toEqual([{ verb: expected, state: Buffer.from(STATE) }]);
  });

  test("a refusal stops the container with the monitor's reason, also with --on-down=allow", async () => {
    await monitor(() => encodeHookAnswer({ ok: false, message: "bundle is not absolute" }));
    const outcome = await run({ args: ["--on-down=allow", "createRuntime"] });
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expectOneLine(outcome, `refused by the monitor at ${path}: bundle is not absolute`);
  });

  test("a reason cannot forge lines or speak to a terminal", async () => {
    const hostile = Buffer.from("\x01x\nnsattest-hook: all is well\r\x1b[2J\u202e\0y");
    await monitor(() => frame(hostile));
    expectOneLine(await run(), "x?nsattest-hook: all is well??[2J???");
  });

  test("bytes that are no JSON, or hostile JSON, are carried as they are: the monitor judges", async () => {
    const states = [
      Buffer.from([0, 255, 254, 10, 13, 0]),
      Buffer.from(`{"id":"../../etc","pid":-1,"annotations":{"a":"\\u0000\\n"}}`),
      Buffer.from("[".repeat(100_000)),
    ];
    const requests = await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
    for (const input of states) expect(await run({ input })).toMatchObject({ code: 0 });
    expect(requests.map(({ state }) => Buffer.from(state))).toEqual(states);
  });

  test("a state of exactly 1 MiB is carried", async () => {
    const requests = await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
    expect(await run({ input: Buffer.alloc(MIB, " ") })).toMatchObject({ code: 0, stderr: "" });
    expect(requests[0]?.state.length).toBe(MIB);
  });

  test("the environment is ignored", async () => {
    await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
    const env = {
      LD_PRELOAD: "/nowhere.so",
      NSATTEST_SOCKET: "/nowhere",
      PATH: "",
      POSIXLY_CORRECT: "1",
    };
    expect(await run({ env })).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

describe("when the answer makes no sense", () => {
  test.each([
    ["a truncated answer", "the answer ends early", [0, 0, 0, 9, 0, 1]],
    ["half a length", "the answer ends early", [0, 0]],
    ["an empty answer", "an answer of 0 bytes", [0, 0, 0, 0]],
    ["an answer that is too large", "an answer of 4097 bytes", [0, 0, 16, 1, 0]],
    ["an unknown status", "status 2 is unknown", [0, 0, 0, 1, 2]],
  ])("%s stops the container, also with --on-down=allow", async (_, why, bytes) => {
    await monitor((socket) => {
      socket.end(Buffer.from(bytes));
      return null;
    });
    const outcome = await run({ args: ["--on-down=allow", "createRuntime"] });
    expect(outcome).toMatchObject({ code: 6, stdout: "" });
    expectOneLine(outcome, why);
  });
});

describe("when the monitor is down", () => {
  const LATE = "200";
  const AMPLE = "30000";
  const situations: readonly [string, string, string, () => Promise<unknown>][] = [
    ["there is no socket", "there is no such socket", AMPLE, async () => undefined],
    ["there is no folder", "there is no such socket", AMPLE, () => rm(folder, { recursive: true })],
    ["nobody listens", "nobody listens", AMPLE, deadSocket],
    ["it hangs up", "hung up without an answer", AMPLE, () => monitor(hangUp)],
    [
      "it takes the state and is silent",
      "does not answer in time",
      LATE,
      () => monitor(() => null),
    ],
    [
      "it does not even read",
      "does not take the state in time",
      LATE,
      () => monitor(() => null, { reads: false }),
    ],
  ];

  test.each(situations)("%s: denied, or allowed on request", async (_, why, deadline, arrange) => {
    await arrange();
    const input = Buffer.alloc(MIB, " ");
    const denied = await run({ input, args: ["--deadline", deadline, "createRuntime"] });
    expect(denied).toMatchObject({ code: 5, stdout: "" });
    expectOneLine(denied, why);
    const args = ["--deadline", deadline, "--on-down=allow", "createRuntime"];
    const allowed = await run({ input, args });
    expect(allowed).toMatchObject({ code: 0, stdout: "" });
    expectOneLine(allowed, "going on undeclared");
  });
});

describe("when standard input carries no state", () => {
  test.each([
    ["is closed", null],
    ["is empty", ""],
    ["never ends", "open"],
    ["is larger than 1 MiB", Buffer.alloc(MIB + 1, " ")],
  ] as const)("it %s: stopped before the monitor hears of it", async (_, input) => {
    const requests = await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
    const args = ["--deadline=200", "--on-down=allow", "createRuntime"];
    const outcome = await run({ args, input });
    expect(outcome).toMatchObject({ code: 3, stdout: "" });
    expectOneLine(outcome, "standard input");
    expect(requests).toEqual([]);
  });

  test("with standard output closed as well it still says so", async () => {
    const child = spawn("sh", ["-c", 'exec "$0" createRuntime <&- >&-', hook]);
    const outcome = await finished(child);
    expect(outcome).toMatchObject({ code: 3, stdout: "" });
    expectOneLine(outcome, "standard input: closed");
  });

  test("with standard error closed it still fails, and writes into nothing else", async () => {
    const requests = await monitor(() => encodeHookAnswer({ ok: false, message: "no" }));
    const script = `exec "$0" --socket "$1" --owner ${UID} createRuntime 2>&- >&-`;
    const child = spawn("sh", ["-c", script, hook, path]);
    child.stdin.end(STATE);
    expect(await finished(child)).toEqual({ code: 1, stdout: "", stderr: "" });
    expect(requests).toEqual([{ verb: "open", state: Buffer.from(STATE) }]);
  });
});

describe("when somebody else could have put the socket there", () => {
  const arrangements: readonly [string, string, () => Promise<unknown>][] = [
    ["the socket is a link", "is a symbolic link", linkedSocket],
    ["a folder on the way is a link", "is a symbolic link", linkedFolder],
    ["others may write into its folder", "let only its owner write", () => chmod(folder, 0o777)],
    ["its group may write into its folder", "let only its owner write", () => chmod(folder, 0o770)],
    ["it is a file", "not a socket", () => writeFile(path, "")],
    ["it is a folder", "not a socket", () => mkdir(path)],
    ["a folder on the way is a file", "Not a directory", fileOnTheWay],
  ];

  test.each(arrangements)("%s: stopped, also with --on-down=allow", async (_, why, arrange) => {
    await arrange();
    const outcome = await run({ args: ["--on-down=allow", "createRuntime"] });
    expect(outcome).toMatchObject({ code: 4, stdout: "" });
    expectOneLine(outcome, why);
  });

  test("its owner is neither root nor the monitor", async () => {
    await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
    // Only root can give a file away; for anybody else their own files are foreign to a hook that trusts root alone.
    if (IS_ROOT) await chown(path, NOBODY, NOBODY);
    const outcome = await run({ args: ["--owner", "0", "createRuntime"] });
    expect(outcome).toMatchObject({ code: 4 });
    expectOneLine(outcome, "find out who put it there");
  });

  test.runIf(IS_ROOT)(
    "its folder belongs to somebody else (only root can arrange that)",
    async () => {
      await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
      await chown(folder, NOBODY, NOBODY);
      const outcome = await run();
      expect(outcome).toMatchObject({ code: 4 });
      expectOneLine(outcome, `a folder on the way is owned by uid ${NOBODY}`);
    },
  );

  test.runIf(IS_ROOT)("somebody else listens on it (only root can arrange that)", async () => {
    await chmod(built, 0o755);
    await chown(folder, NOBODY, NOBODY);
    const script = `require("net").createServer().listen(process.argv[1], () => console.log("up"))`;
    const args = ["-e", script, path];
    const stranger = spawn(process.execPath, args, { uid: NOBODY, gid: NOBODY });
    await new Promise((resolve) => stranger.stdout.once("data", resolve));
    await chown(folder, 0, 0);
    await chown(path, 0, 0);
    const outcome = await run();
    stranger.kill();
    expect(outcome).toMatchObject({ code: 4 });
    expectOneLine(outcome, "listens; find out who does");
  });

  test("a longer path than a socket's address has room for is no obstacle", async () => {
    await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
    const detour = `${folder}${"/.".repeat(100)}/hook.sock`;
    expect(await run({ args: ["--socket", detour, "createRuntime"] })).toMatchObject({ code: 0 });
  });
});

test.each([
  [[]],
  [["createContainer"]],
  [["createRuntime", "poststop"]],
  [["--deadline", "0", "createRuntime"]],
  [["--deadline", "60001", "createRuntime"]],
  [["--deadline", "1e3", "createRuntime"]],
  [["--deadline"]],
  [["--on-down=maybe", "createRuntime"]],
  [["--owner", "-1", "createRuntime"]],
  [["--owner", "root", "createRuntime"]],
  [["--socket", "run/hook.sock", "createRuntime"]],
  [["--socket", "/run/../tmp/hook.sock", "createRuntime"]],
  [["--unknown=1", "createRuntime"]],
])("wrong arguments %j are refused", async (args) => {
  const outcome = await run({ args });
  expect(outcome).toMatchObject({ code: 2, stdout: "" });
  expectOneLine(outcome, "correct the hook's args");
});

/** Listens as the monitor does; `reply` gives an answer's bytes, or null when it answers by itself or not at all. */
async function monitor(
  reply: (socket: Socket) => Uint8Array | null,
  { reads } = { reads: true },
): Promise<HookRequest[]> {
  const requests: HookRequest[] = [];
  const listening = createServer({ pauseOnConnect: !reads }, (socket) => {
    connections.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => connections.delete(socket));
    const frames = new FrameSplitter(HOOK_REQUEST_MAX);
    socket.on("data", (chunk) => {
      for (const payload of frames.push(chunk)) {
        const { verb, state } = decodeHookRequest(payload);
        requests.push({ verb, state: Buffer.from(state) });
        const answer = reply(socket);
        if (answer !== null) socket.end(answer);
      }
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(path, resolve));
  return requests;
}

function hangUp(socket: Socket): null {
  socket.destroy();
  return null;
}

/** A socket whose listener is gone. */
async function deadSocket(): Promise<void> {
  const script = `require("net").createServer().listen(process.argv[1], () => process.exit(0))`;
  await finished(spawn(process.execPath, ["-e", script, path]));
}

async function linkedSocket(): Promise<void> {
  const real = join(folder, "real.sock");
  const link = path;
  path = real;
  await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
  path = link;
  await symlink(real, link);
}

async function linkedFolder(): Promise<void> {
  await monitor(() => encodeHookAnswer({ ok: true, message: "" }));
  await symlink(folder, `${folder}-link`);
  path = join(`${folder}-link`, "hook.sock");
}

async function fileOnTheWay(): Promise<void> {
  await writeFile(path, "");
  path = join(path, "hook.sock");
}

function run(options: RunOptions = {}): Promise<Outcome> {
  const { args = ["createRuntime"], input = STATE, env = {} } = options;
  const all = ["--socket", path, "--owner", UID, ...args];
  const shell = ["-c", 'exec "$0" "$@" <&-', hook, ...all];
  const child = input === null ? spawn("sh", shell) : spawn(hook, all, { env });
  child.stdin.on("error", () => undefined); // the hook may end before it has read everything
  if (input !== null && input !== "open") child.stdin.end(input);
  return finished(child);
}

function finished(child: ReturnType<typeof spawn>): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

function frame(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

/** Exactly one line of printable ASCII that names the hook and contains `text`. */
function expectOneLine({ stderr }: Outcome, text: string): void {
  expect(stderr).toMatch(/^nsattest-hook: [ -~]+\n$/);
  expect(stderr).toContain(text);
}
