// SPDX-License-Identifier: Apache-2.0

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const KERNEL = fileURLToPath(new URL(".", import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-object-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

it("is what its sources build to", () => {
  const rebuilt = join(folder, "nsattest.bpf.o");
  execFileSync("sh", [join(KERNEL, "build.sh"), rebuilt]);
  expect(readFileSync(rebuilt).equals(readFileSync(join(KERNEL, "nsattest.bpf.o")))).toBe(true);
});

it("lays an event out as the monitor reads it", () => {
  const source = join(folder, "layout.c");
  const fields = [
    "kind",
    "flags",
    "cgroup",
    "ancestors",
    "file",
    "mount_namespace",
    "pid_namespace",
    "pid_ancestors",
    "process",
  ];
  const later = ["fs_magic", "hash_algorithm", "path_length", "digest", "path"];
  const offsets = [...fields, ...later].map((field) => `offsetof(struct event, ${field})`);
  writeFileSync(
    source,
    `#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>
#include "${join(KERNEL, "event.h")}"
int main(void) {
  size_t offsets[] = { ${offsets.join(", ")}, PATH_BYTES, DIGEST_MAX, ANCESTORS, PID_ANCESTORS };
  for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) printf("%zu ", offsets[i]);
}
`,
  );
  const program = join(folder, "layout");
  execFileSync("gcc", ["-o", program, source]);
  // kernel-event.ts reads these one behind the other, then the path's bytes.
  expect(execFileSync(program, { encoding: "utf8" }).trim().split(" ").map(Number)).toEqual([
    0, 4, 8, 16, 80, 88, 92, 96, 112, 116, 120, 124, 128, 192, 1024, 64, 8, 4,
  ]);
});
