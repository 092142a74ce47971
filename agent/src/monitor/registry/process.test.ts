// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, statSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeKernelFolders, HOST_NAMESPACES } from "../../../test/fake-kernel-folders.ts";
import { hostNamespacesOf, namespaceId, placeOf } from "./process.ts";

let folder: string;
let kernel: FakeKernelFolders;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-proc-"));
  kernel = new FakeKernelFolders(folder);
});

afterEach(() => rmSync(folder, { recursive: true }));

const refusal = (code: string): unknown => expect.objectContaining({ code });

describe("the place of a process", () => {
  it("is its cgroup v2 and its namespaces", () => {
    kernel.start(50, { cgroup: "/kubepods/web", mnt: 4026532100, pid: 4026532101 });
    expect(placeOf(50, kernel)).toEqual({
      cgroup: kernel.idOf("/kubepods/web"),
      mountNamespace: 4026532100,
      pidNamespace: 4026532101,
    });
  });

  it("names a namespace as the kernel does: by its inode", () => {
    const real = { proc: "/proc", cgroup: "/sys/fs/cgroup" };
    expect(namespaceId(process.pid, "mnt", real)).toBe(statSync("/proc/self/ns/mnt").ino);
  });

  it.each([
    ["the root of all cgroups", "0::/\n"],
    ["one outside of what can be seen", "0::/../other\n"],
    ["cgroups of the first version only", "3:cpu:/x\n1:name=systemd:/x\n"],
    ["no cgroup at all", "\n"],
  ])("is refused in %s", (_, cgroup) => {
    kernel.start(50, { cgroup });
    expect(() => placeOf(50, kernel)).toThrow(refusal("CONTAINER_CGROUP"));
  });

  it.each([
    ["is gone", 51, {}],
    ["is in a cgroup that was removed", 50, { cgroup: "0::/removed (deleted)\n" }],
    ["has a namespace that is not one", 50, { cgroup: "/c", mnt: "mnt:[42" }],
    ["has a namespace of a name too long", 50, { cgroup: "/c", pid: `pid:[${"4".repeat(11)}]` }],
  ])("is refused when the process %s", (_, pid, process) => {
    kernel.start(50, process);
    expect(() => placeOf(pid, kernel)).toThrow(refusal("CONTAINER_PROCESS"));
  });
});

describe("namespaces shared with the host", () => {
  it("are those of process 1", () => {
    kernel.start(50, { mnt: 7, pid: 8, user: 9 });
    kernel.start(51, { mnt: 7, pid: 8 });
    kernel.start(52, {});
    expect(hostNamespacesOf(50, kernel)).toEqual([]);
    expect(hostNamespacesOf(51, kernel)).toEqual(["user"]);
    expect(hostNamespacesOf(52, kernel)).toEqual(["mnt", "pid", "user"]);
    expect(HOST_NAMESPACES.user).toBe(namespaceId(52, "user", kernel));
  });

  it("are all that cannot be told", () => {
    kernel.start(50, { mnt: 7, pid: 8, user: "nonsense" });
    expect(hostNamespacesOf(50, kernel)).toEqual(["user"]);
    expect(hostNamespacesOf(99, kernel)).toEqual(["mnt", "pid", "user"]);
  });

  it("are all of a kind that the kernel does not have", () => {
    kernel.start(50, { mnt: 7, pid: 8, user: 9 });
    for (const pid of [1, 50]) unlinkSync(`${kernel.proc}/${pid}/ns/user`);
    expect(hostNamespacesOf(50, kernel)).toEqual(["user"]);
  });
});
