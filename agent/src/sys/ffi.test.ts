// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadLibrary, mapShared, tryLock, whenReadable } from "./ffi.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-ffi-"));
  path = join(folder, "file");
});

afterEach(() => rmSync(folder, { recursive: true }));

it("locks a file for one descriptor, until that is closed", () => {
  writeFileSync(path, "");
  const [first, second] = [openSync(path, "r"), openSync(path, "r")];
  expect(tryLock(first)).toBe(true);
  expect(tryLock(second)).toBe(false);
  closeSync(first);
  expect(tryLock(second)).toBe(true);
  closeSync(second);
});

it("maps a file's memory, which changes under the reader", () => {
  writeFileSync(path, Buffer.alloc(4096, 7));
  const file = openSync(path, "r+");
  const view = new Uint8Array(mapShared(file, 0, 4096, true));
  expect(view[100]).toBe(7);
  writeSync(file, Uint8Array.of(8), 0, 1, 100);
  expect(view[100]).toBe(8);
  view[0] = 9;
  const first = new Uint8Array(1);
  readSync(file, first, 0, 1, 0);
  expect(first[0]).toBe(9);
  closeSync(file);
});

it("says what the kernel says of memory it does not map", () => {
  expect(() => mapShared(-1, 0, 4096, false)).toThrow(
    expect.objectContaining({ code: "SYSCALL", message: expect.stringContaining("errno 9") }),
  );
});

it("calls back while there is something to read, and not after its end", async () => {
  execFileSync("mkfifo", [path]);
  const pipe = openSync(path, "r+");
  let calls = 0;
  let end = (): void => undefined;
  const called = new Promise<void>((resolve) => {
    end = whenReadable(pipe, () => {
      // What is not read keeps it readable.
      if (++calls === 3) resolve();
    });
  });
  writeSync(pipe, Uint8Array.of(1));
  await called;
  end();
  end();
  const before = calls;
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  expect(calls).toBe(before);
  closeSync(pipe);
});

it("says which library is not there", () => {
  expect(() => loadLibrary("libnowhere.so.1")).toThrow(
    expect.objectContaining({
      code: "SYSCALL",
      message: expect.stringContaining("libnowhere.so.1"),
    }),
  );
});
