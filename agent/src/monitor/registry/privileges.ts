// SPDX-License-Identifier: Apache-2.0

/** Capabilities that, in the initial user namespace, let a container do what only the host may (design rule 9). */
const HOST_CAPABILITIES: readonly string[] = [
  "CAP_SYS_ADMIN",
  "CAP_BPF",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
];

/** Folders of the host that let whoever writes there act as the host. A mount of one, of what is in it, or of what contains it counts. */
const HOST_FOLDERS: readonly string[] = [
  "/sys/fs/bpf",
  "/sys/fs/cgroup",
  "/run/nsattest",
  "/var/lib/nsattest",
  "/usr/lib/nsattest",
];

type Json = Readonly<Record<string, unknown>>;

/**
 * Why a container with this OCI `config.json` may act as the host; empty when it may not. What cannot be understood counts as
 * a reason: missing knowledge is never a pass.
 *
 * Reads the declared configuration only: a runtime that starts something else is the host's own doing.
 */
export function privilegesOf(config: unknown): string[] {
  if (!isObject(config)) return ["config-unreadable"];
  const reasons = new Set<string>();
  const linux = objectAt(config, "linux");
  const namespaces = listAt(linux, "namespaces").map((entry) => textAt(entry, "type"));
  if (!namespaces.includes("mount")) reasons.add("host-mount-namespace");
  if (!namespaces.includes("pid")) reasons.add("host-pid-namespace");
  if (!namespaces.includes("user")) {
    for (const name of capabilitiesOf(config)) reasons.add(name);
  }
  for (const mount of listAt(config, "mounts"))
    for (const reason of mountReasons(mount)) reasons.add(reason);
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

function mountReasons(mount: unknown): string[] {
  const type = textAt(mount, "type");
  const source = textAt(mount, "source");
  const readOnly = listAt(mount, "options").includes("ro");
  if (type === "bpf") return ["bpffs"];
  if (type === "cgroup" || type === "cgroup2") return readOnly ? [] : ["cgroup-writable"];
  if (type === "devtmpfs" || source === "/dev" || source.startsWith("/dev/tpm"))
    return ["tpm-device"];
  if (!source.startsWith("/")) return [];
  if (source === "/") return ["host-root"];
  const within = (inner: string, outer: string): boolean =>
    `${inner}/`.startsWith(`${outer.replace(/\/+$/, "")}/`);
  return HOST_FOLDERS.some((folder) => within(folder, source) || within(source, folder))
    ? ["host-folder"]
    : [];
}

/** A device rule that allows more than a named device: character devices of any number reach the TPM. */
function allowsEveryDevice(rule: unknown): boolean {
  if (!isObject(rule) || rule["allow"] !== true) return false;
  const access = textAt(rule, "access");
  if (access === "m" || textAt(rule, "type") === "b") return false;
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
