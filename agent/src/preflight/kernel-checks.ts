// SPDX-License-Identifier: Apache-2.0

import type { Finding } from "./finding.ts";
import type { Host } from "./host.ts";

const SECURITY = "/sys/kernel/security";
const IMA = `${SECURITY}/ima`;
const AS_ROOT = "run it as root";
const REBOOT = "then update-grub, and reboot";

/** Functions that our programs are attached through, and without which they would be skipped in silence. */
const KERNEL_FUNCTIONS = {
  // The owner of each list entry is seen at its call.
  ima_add_template_entry: "the kernel has no IMA function to attach the owner program to",
  // Without it sleepable LSM programs that re-enter are not counted (kernel/bpf/trampoline.c, since 6.0).
  __bpf_prog_enter_sleepable_recur: "this kernel skips sleepable BPF programs without counting it",
} as const;

/** What the running kernel offers. */
export function checkKernel(host: Host): readonly Finding[] {
  const commandLine = words(host, "/proc/cmdline");
  return [
    kernel(host),
    ima(host),
    imaTemplate(host),
    imaPolicy(commandLine),
    bpfLsm(host),
    presence(host, "btf", "/sys/kernel/btf/vmlinux", {
      ok: "type information for BPF",
      missing: "no type information (CONFIG_DEBUG_INFO_BTF): the BPF programs cannot be loaded",
      next: "boot a kernel of your distribution that has it; Debian's have",
    }),
    trampolines(host),
    bpffs(host),
    cgroup(host),
    bootLog(host),
  ];
}

function kernel(host: Host): Finding {
  const [release = ""] = words(host, "/proc/sys/kernel/osrelease");
  return release === ""
    ? { check: "kernel", state: "unknown", says: "the kernel does not say its release" }
    : { check: "kernel", state: "ok", says: `Linux ${release}` };
}

function ima(host: Host): Finding {
  const count = host.read(`${IMA}/runtime_measurements_count`);
  if (count.kind === "denied") {
    return {
      check: "ima",
      state: "unknown",
      says: "IMA is there; only root may look",
      next: AS_ROOT,
    };
  }
  if (count.kind === "absent") {
    return host.list(SECURITY).length === 0
      ? {
          ...{ check: "ima", state: "missing", says: `${SECURITY} is empty` },
          next: `mount -t securityfs securityfs ${SECURITY}`,
        }
      : {
          ...{ check: "ima", state: "missing", says: "the kernel has no IMA (CONFIG_IMA)" },
          next: "boot a kernel of your distribution that has it; Debian's have",
        };
  }
  const entries = Number(count.text);
  // The first one is the kernel's own.
  return entries > 1
    ? { check: "ima", state: "ok", says: `IMA measures: ${entries} entries in the list` }
    : {
        ...{ check: "ima", state: "limited", says: "IMA is there, but no rule measures anything" },
        next: "load the node's IMA policy at boot",
      };
}

function imaTemplate(host: Host): Finding {
  const list = host.read(`${IMA}/ascii_runtime_measurements`);
  if (list.kind !== "text") {
    return { check: "ima-template", state: "unknown", says: "the list cannot be read" };
  }
  const [, , template = "", digest = ""] = list.text.split("\n", 1)[0]?.split(" ") ?? [];
  const says = `template ${template}, digests ${digest.split(":")[0]}`;
  if (!digest.startsWith("sha256:")) {
    return {
      ...{
        check: "ima-template",
        state: "missing",
        says: `${says}: policies judge SHA-256 digests`,
      },
      next: `ima_template=ima-sig ima_hash=sha256 on the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub), ${REBOOT}`,
    };
  }
  return template === "ima-ng" || template === "ima-sig"
    ? { check: "ima-template", state: "ok", says }
    : {
        ...{
          check: "ima-template",
          state: "limited",
          says: `${says}: not taken unless it is pinned`,
        },
        next: `name ${template} in measurement.templates of the verifier's node-policy.json`,
      };
}

function imaPolicy(commandLine: readonly string[]): Finding {
  const names = commandLine
    .filter((word) => word.startsWith("ima_policy="))
    .flatMap((word) => word.slice("ima_policy=".length).split("|"));
  if (names.includes("tcb")) {
    return {
      ...{ check: "ima-policy", state: "ok" },
      says: "ima_policy=tcb: the list says which policy was loaded later",
    };
  }
  return {
    ...{ check: "ima-policy", state: "limited", limit: "IMA_POLICY_UNPROVEN" },
    says: "without ima_policy=tcb at boot nothing proves which rules measured",
    next: `ima_policy=tcb on the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub), ${REBOOT}`,
  };
}

function bpfLsm(host: Host): Finding {
  const active = host.read(`${SECURITY}/lsm`);
  if (active.kind !== "text") {
    return { check: "bpf-lsm", state: "unknown", says: `${SECURITY}/lsm cannot be read` };
  }
  const names = active.text.trim();
  return names.split(",").includes("bpf")
    ? { check: "bpf-lsm", state: "ok", says: `active LSMs: ${names}` }
    : {
        ...{
          check: "bpf-lsm",
          state: "missing",
          says: `bpf is not among the active LSMs: ${names}`,
        },
        next: `lsm=${names},bpf on the kernel's command line (GRUB_CMDLINE_LINUX in /etc/default/grub), ${REBOOT}`,
      };
}

function trampolines(host: Host): Finding {
  const symbols = host.read("/proc/kallsyms");
  if (symbols.kind !== "text" || symbols.text === "") {
    return { check: "bpf-trampolines", state: "unknown", says: "/proc/kallsyms cannot be read" };
  }
  const names = new Set(symbols.text.split("\n").map((line) => line.split(/[ \t]/)[2]));
  const absent = Object.entries(KERNEL_FUNCTIONS).filter(([name]) => !names.has(name));
  return absent.length === 0
    ? { check: "bpf-trampolines", state: "ok", says: "what the BPF programs attach to is there" }
    : {
        ...{ check: "bpf-trampolines", state: "missing" },
        says: absent.map(([name, why]) => `${name}: ${why}`).join("; "),
        next: "boot a kernel of version 6.1 or newer with IMA and BPF LSM",
      };
}

function bpffs(host: Host): Finding {
  return mounted(host, "/sys/fs/bpf", "bpf")
    ? { check: "bpffs", state: "ok", says: "bpffs at /sys/fs/bpf" }
    : {
        ...{ check: "bpffs", state: "missing", says: "no bpffs at /sys/fs/bpf" },
        next: "mount -t bpf bpf /sys/fs/bpf",
      };
}

function cgroup(host: Host): Finding {
  if (mounted(host, "/sys/fs/cgroup", "cgroup2")) {
    return { check: "cgroup", state: "ok", says: "cgroup v2" };
  }
  return {
    ...{ check: "cgroup", state: "missing" },
    says: "cgroup v2 is not at /sys/fs/cgroup: containers could not be told apart",
    next: `systemd.unified_cgroup_hierarchy=1 on the kernel's command line, ${REBOOT}`,
  };
}

function bootLog(host: Host): Finding {
  return presence(host, "boot-log", `${SECURITY}/tpm0/binary_bios_measurements`, {
    ok: "the firmware's log of the boot",
    missing: "the firmware left no log of the boot",
    next: "boot by UEFI, with the TPM enabled in the firmware",
    limit: "BOOT_UNVERIFIED",
  });
}

function presence(
  host: Host,
  check: Finding["check"],
  path: string,
  says: {
    readonly ok: string;
    readonly missing: string;
    readonly next: string;
    /** Without one its absence is fatal. */
    readonly limit?: string;
  },
): Finding {
  const [name = ""] = path.split("/").slice(-1);
  const folder = path.slice(0, -name.length - 1);
  if (host.list(folder).includes(name)) return { check, state: "ok", says: says.ok };
  const { missing, next, limit } = says;
  return limit === undefined
    ? { check, state: "missing", says: missing, next }
    : { check, state: "limited", says: missing, next, limit };
}

function mounted(host: Host, path: string, type: string): boolean {
  const mounts = host.read("/proc/mounts");
  if (mounts.kind !== "text") return false;
  return mounts.text.split("\n").some((line) => {
    const [, where, what] = line.split(" ");
    return where === path && what === type;
  });
}

function words(host: Host, path: string): readonly string[] {
  const reading = host.read(path);
  return reading.kind === "text" ? reading.text.trim().split(/\s+/) : [];
}
