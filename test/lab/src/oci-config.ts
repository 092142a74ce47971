// SPDX-License-Identifier: Apache-2.0

/** What the lab's containers are made of; the rest is as Docker has it, without a seccomp profile, as Kubernetes runs them. */
export interface OciContainer {
  readonly id: string;
  readonly image: string;
  readonly args: readonly string[];
  /** Arguments of the hook before its verb; null: no hook is installed. */
  readonly hook: readonly string[] | null;
}

/** One mount of a container. */
interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** One hook of a container. */
interface OciHook {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly timeout: number;
}

/** The part of OCI's `config.json` that the lab writes; a scenario may change any of it. */
export interface OciConfig {
  readonly ociVersion: string;
  readonly process: {
    readonly terminal: boolean;
    readonly user: { readonly uid: number; readonly gid: number };
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string;
    readonly capabilities: Readonly<
      Record<"bounding" | "effective" | "permitted", readonly string[]>
    >;
    readonly noNewPrivileges: boolean;
  };
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname: string;
  readonly mounts: readonly OciMount[];
  readonly hooks: Readonly<Record<"createRuntime" | "poststop", readonly OciHook[]>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: {
    readonly namespaces: readonly { readonly type: string; readonly path?: string }[];
    readonly cgroupsPath: string;
    readonly maskedPaths: readonly string[];
    readonly readonlyPaths: readonly string[];
    readonly resources: { readonly devices: readonly { allow: boolean; access: string }[] };
  };
}

/** The folder of the machine that all containers see as `/vol`. */
export const SHARED_VOLUME = "/var/lib/volumes/shared";

/** Where the hook is installed in the machine. */
export const HOOK_PATH = "/usr/libexec/nsattest-hook";

/** The runtime kills a hook after this many seconds; the hook's own deadline is below it. */
const HOOK_TIMEOUT_SECONDS = 10;

/** Docker's default capability set. */
const CAPABILITIES = [
  "CAP_AUDIT_WRITE",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

const MOUNTS: readonly OciMount[] = [
  { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
  { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777"],
  },
  {
    destination: "/dev/mqueue",
    type: "mqueue",
    source: "mqueue",
    options: ["nosuid", "noexec", "nodev"],
  },
  {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: ["nosuid", "noexec", "nodev", "ro"],
  },
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "ro"],
  },
  { destination: "/vol", type: "bind", source: SHARED_VOLUME, options: ["rbind", "rw"] },
];

/** The container's `config.json`; the bundle's `rootfs` holds its root file system. */
export function ociConfig(container: OciContainer): OciConfig {
  const hooks = (verb: string): OciHook[] =>
    container.hook === null
      ? []
      : [
          {
            path: HOOK_PATH,
            args: ["nsattest-hook", ...container.hook, verb],
            env: [],
            timeout: HOOK_TIMEOUT_SECONDS,
          },
        ];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: container.args,
      env: ["PATH=/bin", "HOME=/"],
      cwd: "/",
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      noNewPrivileges: false,
    },
    root: { path: "rootfs", readonly: false },
    hostname: container.id,
    mounts: MOUNTS,
    hooks: { createRuntime: hooks("createRuntime"), poststop: hooks("poststop") },
    annotations: { "nsattest.dev/image": container.image },
    linux: {
      namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup"].map((type) => ({ type })),
      cgroupsPath: `/lab/${container.id}`,
      maskedPaths: ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
      resources: { devices: [{ allow: false, access: "rwm" }] },
    },
  };
}
