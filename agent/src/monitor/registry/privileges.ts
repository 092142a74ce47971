// SPDX-License-Identifier: Apache-2.0

import { resolve } from "node:path/posix";
import type { NamespaceKind } from "./process.ts";

/** Capabilities that, in the initial user namespace, let a container do what only the host may (design rule 9). */
const HOST_CAPABILITIES: readonly string[] = [
  "CAP_SYS_ADMIN",
  "CAP_BPF",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
];

/**
 * Folders of the host that let whoever writes there act as the host. A mount of one, of what is in it, or of what contains it counts.
 * `/proc` has the host's sysctls and, in `/proc/1/root`, all the rest.
 */
const HOST_FOLDERS: readonly string[] = [
  "/proc",
  "/sys/fs/bpf",
  "/sys/fs/cgroup",
  "/run/nsattest",
  "/var/lib/nsattest",
  "/usr/lib/nsattest",
];

/** File systems of which a container gets an instance of its own, or sees only what is its own. */
const OWN_FILE_SYSTEMS: readonly string[] = ["proc", "sysfs", "tmpfs", "devpts", "mqueue"];

/** What is known of a container besides its configuration. */
export interface ContainerFacts {
  /** Folder of its `config.json`: relative sources of mounts begin there. */
  readonly bundle: string;
  /** Namespaces it shares with the host, by the kernel's word. */
  readonly hostNamespaces: readonly NamespaceKind[];
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Why a container with this OCI `config.json` may act as the host; empty when it may not. What cannot be understood counts as
 * a reason: missing knowledge is never a pass.
 *
 * Reads the declared configuration only: a runtime that starts something else is the host's own doing. Does not follow symbolic links of
 * the host, but for `/var/run`, which every distribution has.
 */
export function privilegesOf(config: unknown, facts: ContainerFacts): string[] {
  if (!isObject(config)) return ["config-unreadable"];
  const reasons = new Set<string>();
  if (facts.hostNamespaces.includes("mnt")) reasons.add("host-mount-namespace");
  if (facts.hostNamespaces.includes("pid")) reasons.add("host-pid-namespace");
  if (facts.hostNamespaces.includes("user")) {
    for (const name of capabilitiesOf(config)) reasons.add(name);
  }
  for (const mount of listAt(config, "mounts")) {
    const reason = mountReason(mount, facts.bundle);
    if (reason !== null) reasons.add(reason);
  }
  const linux = objectAt(config, "linux");
  const devices = listAt(linux, "devices").map((device) => textAt(device, "path"));
  if (devices.some((path) => path.startsWith("/dev/tpm"))) reasons.add("tpm-device");
  if (listAt(objectAt(linux, "resources"), "devices").some(allowsEveryDevice))
    reasons.add("every-device");
  return [...reasons].sort();
}

function capabilitiesOf(config: Json): string[] {
  const capabilities = objectAt(objectAt(config, "process"), "capabilities");
  const held = ["bounding", "effective", "permitted", "inheritable", "ambient"].flatMap((set) =>
    listAt(capabilities, set),
  );
  return HOST_CAPABILITIES.filter((name) => held.includes(name));
}

function mountReason(mount: unknown, bundle: string): string | null {
  const type = textAt(mount, "type");
  const options = listAt(mount, "options");
  // A bind mount is what its options say: runtimes ignore the type then.
  if (type === "bind" || options.includes("bind") || options.includes("rbind")) {
    return sourceReason(resolve(bundle, textAt(mount, "source")));
  }
  if (type === "bpf") return "bpffs";
  if (type === "cgroup" || type === "cgroup2") {
    // The last one counts.
    const readOnly = options.lastIndexOf("ro") > options.lastIndexOf("rw");
    return readOnly ? null : "cgroup-writable";
  }
  if (type === "devtmpfs") return "tpm-device";
  // Such as a disk of the host, or an overlay over its root.
  return OWN_FILE_SYSTEMS.includes(type) ? null : "file-system";
}

function sourceReason(source: string): string | null {
  const path = source.replace(/^\/var\/run(?=\/|$)/, "/run");
  if (path === "/") return "host-root";
  if (path === "/dev" || path.startsWith("/dev/tpm")) return "tpm-device";
  const within = (inner: string, outer: string): boolean => `${inner}/`.startsWith(`${outer}/`);
  const found = HOST_FOLDERS.some((folder) => within(folder, path) || within(path, folder));
  return found ? "host-folder" : null;
}

/** A device rule that allows more than a named device: devices of any number are the TPM and the disks, too. */
function allowsEveryDevice(rule: unknown): boolean {
  if (!isObject(rule) || rule["allow"] !== true) return false;
  // Making a device node is not yet using it.
  if (textAt(rule, "access") === "m") return false;
  return rule["major"] === undefined || rule["major"] === -1;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectAt(value: Json, key: string): Json {
  const inner = value[key];
  return isObject(inner) ? inner : {};
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const inner = isObject(value) ? value[key] : undefined;
  return Array.isArray(inner) ? inner : [];
}

function textAt(value: unknown, key: string): string {
  const inner = isObject(value) ? value[key] : undefined;
  return typeof inner === "string" ? inner : "";
}
