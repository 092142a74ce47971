// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LabKernel } from "./kernel.ts";
import { readModules } from "./kernel-modules.ts";

let kernel: LabKernel;

beforeAll(async () => {
  const modules = await mkdtemp(join(tmpdir(), "nsattest-modules-"));
  const builtIn = join(modules, "modules.builtin");
  kernel = { release: "6.1.0-test", version: "6.1-1", image: "", modules, builtIn };
  const depends = {
    "kernel/drivers/net/virtio_net.ko": "net-failover,virtio",
    "kernel/net/net_failover.ko": "failover",
    "kernel/net/failover.ko": "",
    "kernel/drivers/virtio/virtio.ko": "virtio_ring",
    "kernel/drivers/virtio/virtio-ring.ko": "",
    "kernel/fs/other.ko": "virtio,ext4",
  };
  for (const [path, list] of Object.entries(depends)) {
    await mkdir(dirname(join(modules, path)), { recursive: true });
    await writeFile(join(modules, path), `\x7fELF\0license=GPL\0depends=${list}\0retpoline=Y\0`);
  }
  await writeFile(builtIn, "kernel/fs/ext4/ext4.ko\n");
});

afterAll(() => rm(kernel.modules, { recursive: true }));

test("each module comes once and after everything it depends on", async () => {
  const modules = await readModules(kernel, ["virtio_net", "other", "virtio"]);
  expect(modules.map(({ name }) => name)).toEqual([
    "failover",
    "net_failover",
    "virtio_ring",
    "virtio",
    "virtio_net",
    "other",
  ]);
});

test("what is built in is left out", async () => {
  expect(await readModules(kernel, ["ext4"])).toEqual([]);
});

test("a module the kernel does not have is an error", async () => {
  await expect(readModules(kernel, ["nowhere"])).rejects.toMatchObject({
    code: "LAB_FILE",
    message: expect.stringContaining("6.1.0-test has no module nowhere"),
  });
});
