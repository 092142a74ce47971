// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ringRecord } from "../../../test/ring-record.ts";
import { decodeKernelEvent } from "./kernel-event.ts";

const HEADER = fileURLToPath(new URL("../../../../ns-ima/kernel/event.h", import.meta.url));

/** Writes one event as the kernel's programs do: kind and flags by their names in C. */
const SOURCE = `#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include "${HEADER}"
int main(int argc, char **argv) {
  static struct event e;
  const char *path = "/bin/busybox";
  e.kind = !strcmp(argv[1], "exec") ? EVENT_EXEC : !strcmp(argv[1], "map") ? EVENT_MAP :
    !strcmp(argv[1], "mprotect") ? EVENT_MPROTECT : !strcmp(argv[1], "anonymous") ? EVENT_ANONYMOUS :
    !strcmp(argv[1], "rewrite") ? EVENT_REWRITE : EVENT_MEASURED;
  e.flags = argc < 3 ? 0 : !strcmp(argv[2], "script") ? FLAG_SCRIPT :
    !strcmp(argv[2], "path-unknown") ? FLAG_PATH_UNKNOWN :
    !strcmp(argv[2], "writable") ? FLAG_CODE_WRITABLE : FLAG_VIOLATION;
  e.cgroup = 0x1122334455;
  for (int i = 0; i < 3; i++) e.ancestors[i] = 100 + i;
  e.file = 0x1122334466;
  e.mount_namespace = 4026531841;
  e.pid_namespace = 4026531836;
  for (int i = 0; i < 2; i++) e.pid_ancestors[i] = 200 + i;
  e.process = 4321;
  e.fs_magic = 0x794c7630;
  e.hash_algorithm = argc < 4 ? 4 : -95;
  if (!(e.flags & FLAG_VIOLATION)) for (int i = 0; i < DIGEST_MAX; i++) e.digest[i] = i + 1;
  if (e.kind != EVENT_MEASURED) e.path_length = strlen(path);
  memcpy(e.path, path, e.path_length);
  fwrite(&e, EVENT_FIXED + e.path_length, 1, stdout);
}
`;

const PLACE = {
  cgroups: [0x1122334455, 102, 101, 100],
  mountNamespace: 4026531841,
  pidNamespace: 4026531836,
  pidAncestors: [200, 201],
  process: 4321,
};
const BYTES = Uint8Array.from({ length: 64 }, (_, n) => n + 1);

let folder: string;
let program: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-event-"));
  program = join(folder, "event");
  writeFileSync(`${program}.c`, SOURCE);
  execFileSync("gcc", ["-o", program, `${program}.c`]);
});

afterAll(() => rmSync(folder, { recursive: true }));

function written(...args: string[]): Uint8Array {
  return new Uint8Array(execFileSync(program, args));
}

it.each(["exec", "map", "mprotect", "anonymous", "rewrite"])("reads what C writes of %s", (how) => {
  expect(decodeKernelEvent(written(how))).toEqual({
    kind: "execution",
    how,
    place: PLACE,
    path: "/bin/busybox",
    pathUnknown: false,
    script: false,
    writable: false,
    file: 0x1122334466,
    digest: { algorithm: "sha256", value: BYTES.slice(0, 32) },
    fsMagic: 0x794c7630,
  });
});

it("reads C's flags and errors", () => {
  expect(decodeKernelEvent(written("exec", "script"))).toMatchObject({
    script: true,
    pathUnknown: false,
  });
  expect(decodeKernelEvent(written("map", "writable"))).toMatchObject({ writable: true });
  expect(decodeKernelEvent(written("map", "path-unknown", "failed"))).toMatchObject({
    script: false,
    pathUnknown: true,
    digest: null,
  });
});

it("reads what C writes of a list entry's owner", () => {
  expect(decodeKernelEvent(written("measured"))).toEqual({
    kind: "measured",
    place: PLACE,
    templateDigest: BYTES.slice(0, 32),
    violation: false,
  });
  expect(decodeKernelEvent(written("measured", "violation"))).toMatchObject({ violation: true });
});

it("is tested with records as C writes them", () => {
  const { mountNamespace, pidNamespace, pidAncestors } = PLACE;
  const record = ringRecord({
    cgroup: 0x1122334455,
    ancestors: [100, 101, 102],
    mountNamespace,
    pidNamespace,
    pidAncestors,
    file: 0x1122334466,
    digest: BYTES,
    path: "/bin/busybox",
  });
  expect(record).toEqual(written("exec"));
});
