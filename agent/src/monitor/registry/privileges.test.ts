// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ContainerFacts, privilegesOf } from "./privileges.ts";

const FACTS: ContainerFacts = { bundle: "/run/runc/web", hostNamespaces: ["user"] };

/** As runtimes write them by default. */
const CONFIG = {
  process: { capabilities: { bounding: ["CAP_CHOWN", "CAP_MKNOD"], effective: ["CAP_CHOWN"] } },
  mounts: [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid"] },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] },
    { destination: "/dev/pts", type: "devpts", source: "devpts" },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue" },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro"] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rw", "ro"] },
    { destination: "/vol", type: "bind", source: "/var/lib/volumes/1", options: ["rbind", "rw"] },
    { destination: "/etc/hosts", type: "bind", source: "hosts", options: ["bind"] },
    { destination: "/tpl", type: "bind", source: "/sys/fs/cgroup-notes", options: ["rbind"] },
  ],
  linux: {
    devices: [{ path: "/dev/fuse", type: "c", major: 10, minor: 229 }],
    resources: {
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", access: "m" },
        { allow: true, type: "b", access: "m" },
        { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
      ],
    },
  },
};

it("has nothing to say of an ordinary container", () => {
  expect(privilegesOf(CONFIG, FACTS)).toEqual([]);
});

describe("a mount", () => {
  const reasonsFor = (mount: object): string[] => privilegesOf({ mounts: [mount] }, FACTS);

  it.each([
    ["the host's root", "/", "host-root"],
    ["the host's root, said differently", "/etc/..", "host-root"],
    ["the host's root from the bundle", "../../../..", "host-root"],
    ["all devices", "/dev", "tpm-device"],
    ["all devices, with a slash", "//dev//", "tpm-device"],
    ["the TPM", "/dev/tpmrm0", "tpm-device"],
    ["bpffs", "/sys/fs/bpf", "host-folder"],
    ["a part of bpffs", "/sys/fs/bpf/nsattest", "host-folder"],
    ["what contains bpffs", "/sys", "host-folder"],
    ["the host's cgroups", "/sys/fs/cgroup/", "host-folder"],
    ["the host's processes", "/proc", "host-folder"],
    ["the host's root by way of a process", "/proc/1/root", "host-folder"],
    ["the monitor's folder", "/run/nsattest", "host-folder"],
    ["the monitor's folder by its old name", "/var/run/nsattest", "host-folder"],
    ["what contains the monitor's folder", "/var/run", "host-folder"],
    ["the monitor's state", "/var/lib", "host-folder"],
    ["the programs", "/usr/lib/nsattest/../nsattest", "host-folder"],
  ])("of %s counts", (_, source, reason) => {
    expect(reasonsFor({ type: "bind", source })).toEqual([reason]);
    expect(reasonsFor({ type: "none", source, options: ["ro", "rbind"] })).toEqual([reason]);
    // A type that is harmless by itself: runtimes look at the options only.
    expect(reasonsFor({ type: "tmpfs", source, options: ["bind"] })).toEqual([reason]);
  });

  it.each([
    ["/var/lib/nsattest-backup"],
    ["/run/nsattestation"],
    ["/var/running"],
    ["/device"],
    ["/srv"],
  ])("of %s does not", (source) => {
    expect(reasonsFor({ type: "bind", source })).toEqual([]);
  });

  it.each([
    ["bpffs", { type: "bpf", source: "bpf" }, "bpffs"],
    ["cgroups that can be written", { type: "cgroup", source: "cgroup" }, "cgroup-writable"],
    [
      "cgroups that can be written after all",
      { type: "cgroup2", source: "cgroup", options: ["ro", "rw"] },
      "cgroup-writable",
    ],
    ["the kernel's devices", { type: "devtmpfs", source: "devtmpfs" }, "tpm-device"],
    ["a disk of the host", { type: "ext4", source: "/dev/sda1" }, "file-system"],
    ["an overlay over anything", { type: "overlay", options: ["lowerdir=/"] }, "file-system"],
    ["no type", { source: "/srv" }, "file-system"],
  ])("of %s counts", (_, mount, reason) => {
    expect(reasonsFor(mount)).toEqual([reason]);
  });
});

describe("a capability", () => {
  const withCapability = (set: string, name: string): unknown => ({
    process: { capabilities: { [set]: [name] } },
  });

  it.each(["bounding", "effective", "permitted", "inheritable", "ambient"])(
    "in the %s set counts",
    (set) => {
      for (const name of ["CAP_SYS_ADMIN", "CAP_BPF", "CAP_SYS_MODULE", "CAP_SYS_RAWIO"]) {
        expect(privilegesOf(withCapability(set, name), FACTS)).toEqual([name]);
      }
      expect(privilegesOf(withCapability(set, "CAP_NET_ADMIN"), FACTS)).toEqual([]);
    },
  );

  it("does not count in a user namespace of its own, by the kernel's word and not the configuration's", () => {
    const config = withCapability("bounding", "CAP_SYS_ADMIN");
    expect(privilegesOf(config, { ...FACTS, hostNamespaces: [] })).toEqual([]);
    const joined = { linux: { namespaces: [{ type: "user", path: "/proc/1/ns/user" }] } };
    expect(privilegesOf({ ...(config as object), ...joined }, FACTS)).toEqual(["CAP_SYS_ADMIN"]);
  });
});

it("counts namespaces shared with the host", () => {
  expect(privilegesOf(CONFIG, { ...FACTS, hostNamespaces: ["mnt", "pid"] })).toEqual([
    "host-mount-namespace",
    "host-pid-namespace",
  ]);
});

describe("a device", () => {
  const rule = (device: object): string[] =>
    privilegesOf({ linux: { resources: { devices: [device] } } }, FACTS);

  it("that is the TPM counts", () => {
    const linux = { devices: [{ path: "/dev/tpm0" }] };
    expect(privilegesOf({ linux }, FACTS)).toEqual(["tpm-device"]);
  });

  it.each([
    [{ allow: true, access: "rwm" }],
    [{ allow: true, type: "c", major: -1, access: "rw" }],
    [{ allow: true, type: "b", access: "r" }],
    [{ allow: true }],
  ])("rule %j counts", (device) => {
    expect(rule(device)).toEqual(["every-device"]);
  });

  it.each([
    [{ allow: false, access: "rwm" }],
    [{ allow: "true", access: "rwm" }],
    [{ allow: true, type: "c", major: 136, access: "rwm" }],
    ["all"],
  ])("rule %j does not", (device) => {
    expect(rule(device as object)).toEqual([]);
  });
});

describe("a configuration that is none", () => {
  it.each([[null], [undefined], [[]], ["{}"], [7]])("counts: %j", (config) => {
    expect(privilegesOf(config, FACTS)).toEqual(["config-unreadable"]);
  });

  it.each([
    [{ mounts: {}, linux: [], process: 7 }, []],
    [{ mounts: [null, 7, []] }, ["file-system"]],
    [{ mounts: [{ type: "bind", source: 7 }] }, []],
    [{ linux: { devices: [null, { path: {} }], resources: { devices: [null, []] } } }, []],
    [{ process: { capabilities: { bounding: { 0: "CAP_BPF" } } } }, []],
  ])("is read as far as it goes: %j", (config, reasons) => {
    expect(privilegesOf(config, FACTS)).toEqual(reasons);
  });

  it("never makes it throw", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (mounts, linux, capabilities) => {
        const config = { mounts, linux, process: { capabilities } };
        expect(privilegesOf(config, FACTS)).toEqual([...privilegesOf(config, FACTS)].sort());
        expect(privilegesOf({ ...config, mounts: [mounts] }, FACTS)).toBeInstanceOf(Array);
        expect(privilegesOf(mounts, FACTS)).toBeInstanceOf(Array);
      }),
    );
  });
});
