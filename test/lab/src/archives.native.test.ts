// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { writeCpio } from "./cpio.ts";
import { type TarMember, writeTar } from "./tar.ts";

const TEXT = Buffer.from("seven b");

test("GNU cpio reads what we write", () => {
  const archive = writeCpio([
    { path: "bin", mode: 0o040755, bytes: Buffer.alloc(0) },
    { path: "bin/odd-name", mode: 0o100755, bytes: TEXT },
    { path: "init", mode: 0o100644, bytes: Buffer.alloc(4096, "x") },
  ]);
  const listed = pipe("cpio", ["-itv", "--numeric-uid-gid"], archive).toString();
  expect(listed).toMatch(
    /^drwxr-xr-x .* 0 +0 .* bin\n-rwxr-xr-x .* 7 .* bin\/odd-name\n-rw-r--r-- .* 4096 .* init\n/,
  );
  expect(pipe("cpio", ["-i", "--to-stdout", "bin/odd-name"], archive)).toEqual(TEXT);
});

test("GNU tar reads what we write", () => {
  const archive = writeTar([file("bin/busybox", TEXT), link("bin/sh", "busybox")]);
  const listed = pipe("tar", ["-tv", "--numeric-owner"], archive).toString();
  expect(listed).toMatch(
    /^-rwxr-xr-x 0\/0 +7 .* bin\/busybox\nlrwxrwxrwx 0\/0 +0 .* bin\/sh -> busybox\n$/,
  );
  expect(pipe("tar", ["-xO", "bin/busybox"], archive)).toEqual(TEXT);
});

test("an archive does not depend on the order of its members", () => {
  const members = [file("b", TEXT), link("a", "b"), file("c", Buffer.alloc(512))];
  expect(writeTar([...members].reverse())).toEqual(writeTar(members));
  expect(writeTar(members).length % 512).toBe(0);
});

function file(path: string, bytes: Buffer): TarMember {
  return { path, mode: 0o755, content: { bytes } };
}

function link(path: string, target: string): TarMember {
  return { path, mode: 0o777, content: { target } };
}

function pipe(program: string, args: readonly string[], input: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync(program, args, { input });
  expect(status, stderr.toString()).toBe(0);
  return stdout;
}
