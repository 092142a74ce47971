// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FakeKernelFolders, HOST_NAMESPACES } from "../../../test/fake-kernel-folders.ts";
import { runningContainers } from "./running.ts";

const HOST = { mountNamespace: HOST_NAMESPACES.mnt, pidNamespace: HOST_NAMESPACES.pid };

let folder: string;
let kernel: FakeKernelFolders;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-proc-"));
  kernel = new FakeKernelFolders(folder);
});

afterEach(() => rmSync(folder, { recursive: true }));

it("finds one process of each cgroup outside the host's mount or pid namespace", () => {
  kernel.start(10, { cgroup: "/system.slice/sshd" });
  kernel.start(20, { cgroup: "/web", mnt: 7, pid: 8 });
  kernel.start(21, { cgroup: "/web", mnt: 7, pid: 8 });
  kernel.start(30, { cgroup: "/db", mnt: 9 });
  kernel.start(40, { cgroup: "/shell", pid: 10 });
  const found = runningContainers(HOST, kernel);
  expect(found).toHaveLength(3);
  expect(found).toEqual(
    expect.arrayContaining([
      { cgroup: kernel.idOf("/web"), mountNamespace: 7, pidNamespace: 8 },
      { cgroup: kernel.idOf("/db"), mountNamespace: 9, pidNamespace: HOST_NAMESPACES.pid },
      { cgroup: kernel.idOf("/shell"), mountNamespace: HOST_NAMESPACES.mnt, pidNamespace: 10 },
    ]),
  );
});

it("leaves out what is no process, has ended meanwhile, or is nobody's", () => {
  mkdirSync(`${kernel.proc}/sys`);
  writeFileSync(`${kernel.proc}/uptime`, "1 1\n");
  mkdirSync(`${kernel.proc}/77`);
  kernel.start(2, { cgroup: "0::/\n", mnt: 7, pid: 8 });
  expect(runningContainers(HOST, kernel)).toEqual([]);
});
