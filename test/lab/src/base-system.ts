// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostSuite, openArchive } from "./debian-archive.ts";
import { data, dataFrom, executable, folder, type GuestFile, link } from "./guest-file.ts";
import { GUEST_USERS } from "./guest-user.ts";
import { runHostTool } from "./host-tool.ts";
import { compileProgram } from "./native-program.ts";
import { librariesOf, type SharedLibrary } from "./shared-libraries.ts";

const GUEST = fileURLToPath(new URL("../guest/", import.meta.url));

const IMA_POLICY = "/etc/ima/ima-policy";

const USERS = Object.entries(GUEST_USERS);

/** What every lab machine has on its disk before a caller adds anything. */
export interface BaseSystem {
  readonly files: readonly GuestFile[];
  /** Debian's static busybox on the host: for the initial file system and for container images. */
  readonly busybox: string;
  /** Names that busybox answers to, without its own. */
  readonly applets: readonly string[];
}

/**
 * Gathers the base system: busybox, runc, setpriv and unshare, Node as it runs here, libbpf, users, the IMA policy, our
 * start scripts and the command channel. Packages are those of the running Debian, so they fit the host's libraries.
 * `imaPolicy` takes the place of a node's IMA policy.
 *
 * @throws LabError `LAB_HOST_UNSUPPORTED`, `LAB_PACKAGE`, `LAB_TOOL_MISSING`, `LAB_TOOL_FAILED`
 */
export async function gatherBaseSystem(cacheDir: string, imaPolicy?: string): Promise<BaseSystem> {
  const archive = await openArchive(await hostSuite(), cacheDir);
  const root = async (name: string): Promise<string> => (await archive.unpack(name)).root;
  const busybox = join(await root("busybox-static"), "bin/busybox");
  const runc = join(await root("runc"), "usr/sbin/runc");
  const utilLinux = await root("util-linux");
  const libraries = [await root("libseccomp2"), await root("libcap-ng0")];
  const bpf = [await root("libbpf1"), await root("libelf1"), await root("zlib1g")];
  const libbpf = join(await root("libbpf1"), "usr/lib/x86_64-linux-gnu/libbpf.so.1");

  const programs = [
    executable("/usr/sbin/runc", runc),
    executable("/usr/bin/setpriv", join(utilLinux, "usr/bin/setpriv")),
    executable("/usr/bin/unshare", join(utilLinux, "usr/bin/unshare")),
    executable("/usr/bin/node", process.execPath),
  ];
  const needed = new Map<string, SharedLibrary>();
  const sources = programs.map(({ from }) => ("source" in from ? from.source : ""));
  for (const program of [...sources, libbpf]) {
    for (const library of await librariesOf(program, [...libraries, ...bpf])) {
      needed.set(library.path, library);
    }
  }
  const applets = (await runHostTool(busybox, ["--list"])).toString().split("\n");
  const names = applets.filter((name) => name !== "" && name !== "busybox");

  return {
    busybox,
    applets: names,
    files: [
      ...["/dev", "/proc", "/sys", "/run", "/tmp", "/root", "/mnt", "/var/lib"].map((path) =>
        folder(path),
      ),
      executable("/bin/busybox", busybox),
      ...names.map((name) => link(`/bin/${name}`, "busybox")),
      ...programs,
      ...[...needed.values()].map(({ path, source }) => executable(path, source)),
      dataFrom("/lib/x86_64-linux-gnu/libbpf.so.1", libbpf),
      executable("/sbin/lab-shell", await compileProgram(join(GUEST, "lab-shell.c"), cacheDir)),
      executable("/sbin/init", join(GUEST, "init")),
      ...["bpf", "monitor", "agent"].map((service) =>
        executable(`/usr/lib/nsattest/start-${service}`, join(GUEST, `start-${service}`)),
      ),
      imaPolicy === undefined
        ? dataFrom(IMA_POLICY, join(GUEST, "ima-policy"))
        : data(IMA_POLICY, imaPolicy),
      data("/etc/passwd", USERS.map(([name, id]) => `${name}:x:${id}:${id}::/:/bin/sh\n`).join("")),
      data("/etc/group", USERS.map(([name, id]) => `${name}:x:${id}:\n`).join("")),
      data("/etc/hosts", "127.0.0.1 localhost lab\n10.0.2.2 host\n"),
    ],
  };
}
