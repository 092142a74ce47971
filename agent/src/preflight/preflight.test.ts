// SPDX-License-Identifier: Apache-2.0

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { preflight, renderPreflight } from "./command.ts";
import type { CheckName, Finding } from "./finding.ts";
import { hostAt, type Reading } from "./host.ts";
import { inspectHost } from "./preflight.ts";

const ZEROS = `${"0".repeat(64)}\n`;
const NOT_ASKED = () => Promise.reject(new Error("the test asks no TPM"));

/** Files of a Debian 12 node that is prepared: what is read of them, as its kernel 6.1.192 has it. */
const PREPARED: Readonly<Record<string, string>> = {
  "/proc/sys/kernel/osrelease": "6.1.0-41-cloud-amd64\n",
  "/proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/vda1 quiet ima_policy=tcb|critical_data\n",
  "/proc/mounts":
    "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\nbpf /sys/fs/bpf bpf rw,mode=700 0 0\n",
  "/proc/kallsyms":
    "0000000000000000 T ima_add_template_entry\n0000000000000000 t __bpf_prog_enter_sleepable_recur\n0000000000000000 t nf_hook\t[nf_tables]\n",
  "/sys/kernel/security/lsm": "lockdown,capability,landlock,yama,apparmor,tomoyo,bpf",
  "/sys/kernel/security/ima/runtime_measurements_count": "412\n",
  "/sys/kernel/security/ima/ascii_runtime_measurements":
    "10 2f4a0b ima-ng sha256:9b21 boot_aggregate\n10 77aa01 ima-ng sha256:0c11 /usr/bin/init\n",
  "/sys/kernel/security/tpm0/binary_bios_measurements": "",
  "/sys/kernel/btf/vmlinux": "",
  "/sys/class/tpm/tpm0/tpm_version_major": "2\n",
  "/sys/class/tpm/tpm0/device/description": "TPM 2.0 Device\n",
  "/sys/class/tpm/tpm0/pcr-sha1/13": "0".repeat(40),
  "/sys/class/tpm/tpm0/pcr-sha256/13": ZEROS,
};

/** What `--version` prints (Debian 12, and containerd's own release 2.1). */
const RUNTIMES: Readonly<Record<string, string>> = {
  "/usr/sbin/runc": "runc version 1.1.5+ds1",
  "/usr/bin/containerd": "containerd github.com/containerd/containerd/v2 2.1.4 75cb2b7",
  "/usr/sbin/dockerd": "Docker version 28.2.2, build 45873be",
};

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "nsattest-preflight-"));
  for (const [path, text] of Object.entries(PREPARED)) put(path, text);
  for (const [path, line] of Object.entries(RUNTIMES)) {
    put(path, `#!/bin/sh\n[ "$1" = --version ] && echo '${line}' && echo more\n`);
    chmodSync(join(root, path), 0o755);
  }
});

afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

async function findings(): Promise<ReadonlyMap<CheckName, Finding>> {
  const report = await inspectHost(hostAt(root), NOT_ASKED, () => 0);
  return new Map(report.findings.map((finding) => [finding.check, finding]));
}

const TPM_ASKED: readonly CheckName[] = ["tpm-ek-certificate", "tpm-quote"];

it("a prepared node has everything", async () => {
  const found = await findings();
  const bad = [...found.values()].filter(({ state }) => state !== "ok");
  expect(bad.map(({ check }) => check)).toEqual(TPM_ASKED);
  expect(found.get("kernel")?.says).toBe("Linux 6.1.0-41-cloud-amd64");
  expect(found.get("tpm-bank")?.says).toBe("PCR banks: sha1, sha256");
  expect(found.get("runtimes")?.says).toBe(
    "containerd 2.1.4 (NRI, or a base runtime spec); dockerd 28.2.2 (a runtime wrapper: Docker has no hooks); runc 1.1.5 (hooks of the bundle)",
  );
});

type Change = readonly [
  what: string,
  changes: Readonly<Record<string, string | null>>,
  check: CheckName,
  state: Finding["state"],
  words: string,
];

const LIST = "/sys/kernel/security/ima/ascii_runtime_measurements";
const COUNT = "/sys/kernel/security/ima/runtime_measurements_count";

describe.each<Change>([
  [
    "no bpf among the LSMs",
    { "/sys/kernel/security/lsm": "lockdown,capability,yama" },
    ...(["bpf-lsm", "missing", "lsm=lockdown,capability,yama,bpf on"] as const),
  ],
  [
    "an LSM whose name contains bpf",
    { "/sys/kernel/security/lsm": "capability,bpfilter" },
    ...(["bpf-lsm", "missing", "not among"] as const),
  ],
  ["no list of LSMs", { "/sys/kernel/security/lsm": null }, "bpf-lsm", "unknown", "cannot be read"],
  ["no IMA", { "/sys/kernel/security/ima": null }, "ima", "missing", "CONFIG_IMA"],
  ["no securityfs", { "/sys/kernel/security": null }, "ima", "missing", "mount -t securityfs"],
  ["nothing measured", { [COUNT]: "1\n" }, "ima", "limited", "no rule measures"],
  ["a count that is none", { [COUNT]: "many" }, "ima", "limited", "no rule measures"],
  [
    "SHA-1 digests",
    { [LIST]: "10 00 ima-ng sha1:00 boot_aggregate\n" },
    "ima-template",
    "missing",
    "ima_hash=sha256",
  ],
  [
    "the old template",
    { [LIST]: "10 00 ima 00 boot_aggregate\n" },
    "ima-template",
    "missing",
    "template ima,",
  ],
  [
    "a template that is not taken unasked",
    { [LIST]: "10 00 ima-ngv2 sha256:00 boot_aggregate\n" },
    ...(["ima-template", "limited", "measurement.templates"] as const),
  ],
  ["an empty list", { [LIST]: "" }, "ima-template", "missing", "ima_template=ima-sig"],
  ["no boot policy", { "/proc/cmdline": "quiet" }, "ima-policy", "limited", "IMA_POLICY_UNPROVEN"],
  [
    "another boot policy",
    { "/proc/cmdline": "ima_policy=appraise_tcb" },
    "ima-policy",
    "limited",
    "ima_policy=tcb",
  ],
  [
    "no type information",
    { "/sys/kernel/btf/vmlinux": null },
    "btf",
    "missing",
    "CONFIG_DEBUG_INFO_BTF",
  ],
  [
    "an old kernel",
    { "/proc/kallsyms": "00 T ima_add_template_entry\n" },
    "bpf-trampolines",
    "missing",
    "__bpf_prog_enter_sleepable_recur",
  ],
  ["hidden symbols", { "/proc/kallsyms": "" }, "bpf-trampolines", "unknown", "cannot be read"],
  [
    "no bpffs",
    { "/proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n" },
    "bpffs",
    "missing",
    "mount -t bpf",
  ],
  [
    "cgroups of both versions",
    {
      "/proc/mounts":
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n",
    },
    ...(["cgroup", "missing", "told apart"] as const),
  ],
  [
    "no log of the boot",
    { "/sys/kernel/security/tpm0": null },
    "boot-log",
    "limited",
    "BOOT_UNVERIFIED",
  ],
  ["no TPM", { "/sys/class/tpm": null }, "tpm", "missing", "no TPM"],
  [
    "a TPM 1.2",
    { "/sys/class/tpm/tpm0/tpm_version_major": "1\n" },
    "tpm",
    "missing",
    "a TPM 1, not 2.0",
  ],
  [
    "no SHA-256 bank",
    { "/sys/class/tpm/tpm0/pcr-sha256": null },
    "tpm-bank",
    "missing",
    "PCR banks: sha1;",
  ],
  [
    "no PCR 13",
    { "/sys/class/tpm/tpm0/pcr-sha256/13": null },
    "tpm-pcr",
    "unknown",
    "cannot be read",
  ],
  [
    "a used PCR 13",
    { "/sys/class/tpm/tpm0/pcr-sha256/13": `${"A1".repeat(32)}\n` },
    "tpm-pcr",
    "missing",
    "ANCHOR_BASELINE",
  ],
  [
    "a PCR 13 with our log",
    { "/sys/class/tpm/tpm0/pcr-sha256/13": "A1", "/run/nsattest/namespace.log": "log" },
    ...(["tpm-pcr", "ok", "this node's log"] as const),
  ],
  ["no runtime", { "/usr": null }, "runtimes", "limited", "no container runtime"],
  ["no release", { "/proc/sys/kernel/osrelease": null }, "kernel", "unknown", "release"],
])("with %s", (_, changes, check, state, words) => {
  it(`${check} is ${state}`, async () => {
    for (const [path, text] of Object.entries(changes)) {
      if (text === null) rmSync(join(root, path), { recursive: true });
      else put(path, text);
    }
    const report = await inspectHost(hostAt(root), NOT_ASKED, () => 0);
    const found = report.findings.find((finding) => finding.check === check);
    expect([found?.check, found?.state]).toEqual([check, state]);
    expect(renderPreflight(report)).toContain(words);
    expect(report.readiness).toBe(state === "missing" ? "not-ready" : "limited");
  });
});

it("a used PCR 13 is not known to be this node's when its log may not be looked at", async () => {
  put("/sys/class/tpm/tpm0/pcr-sha256/13", "A1");
  const host = hostAt(root);
  const denied = (path: string): Reading =>
    path === "/run/nsattest/namespace.log" ? { kind: "denied" } : host.read(path);
  const report = await inspectHost({ ...host, read: denied }, NOT_ASKED, () => 0);
  expect(report.findings.find(({ check }) => check === "tpm-pcr")?.state).toBe("unknown");
});

it("a runtime that hangs, fails or says nothing of a version is still one, or none", async () => {
  put("/usr/sbin/runc", "#!/bin/sh\nexit 1\n");
  put("/usr/bin/containerd", "#!/bin/sh\necho containerd\n");
  const { says } = (await findings()).get("runtimes") ?? {};
  expect(says).toContain("containerd of an unknown version (a base runtime spec)");
  expect(says).not.toContain("runc");
});

describe("the command", () => {
  const run = async (...args: string[]) => {
    const text = { out: "", err: "" };
    const code = await preflight(args, {
      out: (more) => (text.out += more),
      err: (more) => (text.err += more),
    });
    return { code, ...text };
  };

  it("explains itself, and refuses what it does not know", async () => {
    expect(await run("--help")).toMatchObject({ code: 0, err: "" });
    expect(await run("--hepl")).toMatchObject({
      ...{ code: 2, out: "" },
      err: expect.stringContaining("see nsattest preflight --help"),
    });
  });

  it("says the same in JSON, with the exit code that goes with it", async () => {
    const { code, out } = await run("--json", "--tpm", join(root, "no-such-device"));
    const { readiness } = JSON.parse(out) as { readiness: "ready" | "limited" | "not-ready" };
    expect(code).toBe({ ready: 0, limited: 3, "not-ready": 4 }[readiness]);
  });
});
