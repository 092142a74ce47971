// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { BaseSystem } from "./base-system.ts";
import { executable, type GuestFile, link } from "./guest-file.ts";
import { compileProgram } from "./native-program.ts";
import { type RuntimePolicyDocument, runtimePolicy } from "./runtime-policy.ts";
import { type TarMember, writeTar } from "./tar.ts";

const PROBE = fileURLToPath(new URL("../guest/probe.c", import.meta.url));

/** An image on the machine's disk: an unpacked root file system, as a runtime's snapshotter has it. */
export interface ContainerImage {
  readonly name: string;
  /** `sha256:<hex>` of the root file system as a deterministic tar archive. */
  readonly digest: string;
  /** Where the root file system is in the machine. */
  readonly root: string;
  /** To be given to `bootVm`. */
  readonly files: readonly GuestFile[];
  /** Exactly the image's regular files. */
  readonly policy: RuntimePolicyDocument;
}

/**
 * An image with Debian's busybox (the host's very file, at the same path), its applets, and one small static program per
 * name in `programs` (such as `probe`: `/bin/probe`), each with a content of its own.
 *
 * @param more further executable files: path in the image to file of this machine
 *
 * @throws LabError `LAB_TOOL_MISSING`, `LAB_TOOL_FAILED`
 */
export async function busyboxImage(
  name: string,
  base: BaseSystem,
  programs: readonly string[],
  cacheDir: string,
  more: ReadonlyMap<string, string> = new Map(),
): Promise<ContainerImage> {
  const root = `/var/lib/images/${name}`;
  const sources = new Map([["/bin/busybox", base.busybox], ...more]);
  for (const program of programs) {
    const define = `PROBE_NAME="${program}"`;
    sources.set(`/bin/${program}`, await compileProgram(PROBE, cacheDir, [define]));
  }
  const applets = base.applets.filter((applet) => !programs.includes(applet));

  const members: TarMember[] = applets.map((applet) => ({
    path: `bin/${applet}`,
    mode: 0o777,
    content: { target: "busybox" },
  }));
  const digests = new Map<string, string>();
  for (const [path, source] of sources) {
    const bytes = await readFile(source);
    digests.set(path, createHash("sha256").update(bytes).digest("hex"));
    members.push({ path: path.slice(1), mode: 0o755, content: { bytes } });
  }
  return {
    name,
    root,
    digest: `sha256:${createHash("sha256").update(writeTar(members)).digest("hex")}`,
    files: [
      ...[...sources].map(([path, source]) => executable(`${root}${path}`, source)),
      ...applets.map((applet) => link(`${root}/bin/${applet}`, "busybox")),
    ],
    policy: runtimePolicy(digests),
  };
}
