// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildDisk } from "./disk.ts";
import { code, data, executable, folder, type GuestFile, link } from "./guest-file.ts";

let cache: string;
let program: string;

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "nsattest-disk-"));
  program = join(cache, "program");
  await writeFile(program, "#!/bin/sh\n", { mode: 0o600 });
});

afterAll(() => rm(cache, { recursive: true }));

test("the image has the files with their owners, and digests say what is in it", async () => {
  const { image, digests } = await buildDisk(files("one"), cache);
  const names = ["/bin/tool", "/usr/lib/nsattest/x.cjs", "/etc/name", "/bin/sh", "/proc"];
  const found = names.map((name) => {
    const text = debugfs(image, `stat ${name}`);
    const [, kind, mode, uid] = /Type: (\S+) +Mode: +(\d+)[\s\S]*User: +(\d+)/.exec(text) ?? [];
    return [name, kind, mode, uid];
  });
  expect(found).toEqual([
    ["/bin/tool", "regular", "0755", "0"],
    ["/usr/lib/nsattest/x.cjs", "regular", "0444", "1900000001"],
    ["/etc/name", "regular", "0644", "0"],
    ["/bin/sh", "symlink", "0777", "0"],
    ["/proc", "directory", "0555", "0"],
  ]);
  expect(debugfs(image, "cat /etc/name")).toBe("one");
  expect([...digests.keys()]).toEqual(["/bin/tool", "/usr/lib/nsattest/x.cjs", "/etc/name"]);
  expect(digests.get("/etc/name")).toBe(createHash("sha256").update("one").digest("hex"));
});

test("the same files give the image that is there, other content gives another", async () => {
  const first = await buildDisk(files("one"), cache);
  const { ino } = await stat(first.image);
  const second = await buildDisk(files("one"), cache);
  expect(second).toEqual(first);
  expect((await stat(second.image)).ino).toBe(ino);
  expect((await buildDisk(files("two"), cache)).image).not.toBe(first.image);
});

test("images that were not used for long are forgotten", async () => {
  const folder = join(cache, "disks");
  const { image } = await buildDisk(files("one"), cache);
  for (let age = 1; age <= 9; age++) {
    await writeFile(join(folder, `${age}.ext4`), "");
    await utimes(join(folder, `${age}.ext4`), 1000 - age, 1000 - age);
  }
  const { image: fresh } = await buildDisk(files("three"), cache);
  const left = (await readdir(folder)).map((name) => join(folder, name));
  expect(left).toHaveLength(6);
  expect(left).toEqual(expect.arrayContaining([image, fresh, join(folder, "1.ext4")]));
  expect(left).not.toContain(join(folder, "9.ext4"));
});

test("a path that is given twice, is no plain path or has no source is an error, and nothing is left", async () => {
  const wrong: readonly (readonly GuestFile[])[] = [
    [data("/a", ""), data("/a", "")],
    [data("a", "")],
    [data("/a//b", "")],
    [data("/a'b", "")],
    [data("/../a", "")],
    [executable("/a", join(cache, "nowhere"))],
  ];
  for (const list of wrong) {
    await expect(buildDisk(list, cache)).rejects.toMatchObject({ code: "LAB_FILE" });
  }
  const left = await readdir(join(cache, "disks"));
  expect(left.filter((name) => !name.endsWith(".ext4"))).toEqual([]);
});

function files(name: string): GuestFile[] {
  return [
    executable("/bin/tool", program),
    code("/usr/lib/nsattest/x.cjs", program),
    data("/etc/name", name),
    link("/bin/sh", "tool"),
    folder("/proc", 0o555),
  ];
}

function debugfs(image: string, request: string): string {
  return execFileSync("/usr/sbin/debugfs", ["-R", request, image], {
    stdio: ["ignore", "pipe", "ignore"],
  }).toString();
}
