// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type DebianArchive, openArchive } from "./debian-archive.ts";
import { LabError } from "./error.ts";

/** The stock kernels the lab boots, unmodified: Debian 12's, Debian 13's, and the newest that Debian has. */
export type KernelSeries = "6.1" | "6.12" | "newest";

const SUITES: Readonly<Record<KernelSeries, string>> = {
  "6.1": "bookworm",
  "6.12": "trixie",
  newest: "sid",
};

/** A kernel as its package holds it. */
export interface LabKernel {
  /** As `uname -r` says it. */
  readonly release: string;
  /** Debian's package version. */
  readonly version: string;
  readonly image: string;
  /** `lib/modules/<release>/kernel`. */
  readonly modules: string;
  /** `lib/modules/<release>/modules.builtin`. */
  readonly builtIn: string;
}

/**
 * Debian's cloud kernel of a series, fetched once: to renew it, delete the cache folder.
 *
 * @throws LabError `LAB_PACKAGE`, `LAB_HOST_UNSUPPORTED`, `LAB_TOOL_MISSING`, `LAB_TOOL_FAILED`
 */
export async function fetchKernel(series: KernelSeries, cacheDir: string): Promise<LabKernel> {
  const archive = await openArchive(SUITES[series], cacheDir);
  const number = series === "newest" ? "\\d+" : series.replace(".", "\\.");
  const pattern = new RegExp(`^linux-image-${number}[.+]`);
  const isKernel = (name: string): boolean => pattern.test(name);
  const name =
    (await archive.unpacked()).find(isKernel) ?? (await currentKernel(archive, isKernel));
  const { version, root } = await archive.unpack(name);
  const release = name.slice("linux-image-".length);
  const roots = [root];
  // Up to Debian 13 the package holds the kernel, afterwards it depends on its parts.
  if (!(await readdir(root)).includes("boot")) {
    for (const part of ["binary", "modules", "base"]) {
      roots.push((await archive.unpack(`linux-${part}-${release}`)).root);
    }
  }
  const find = (...paths: readonly string[]): string => {
    const candidates = roots.flatMap((folder) => paths.map((path) => join(folder, path)));
    const found = candidates.find((path) => existsSync(path));
    if (found === undefined) throw new LabError("LAB_PACKAGE", `${name} holds no ${paths[0]}`);
    return found;
  };
  // Packages have their files under /usr since Debian 13.
  const folders = ["lib", "usr/lib"].map((lib) => join(lib, "modules", release));
  return {
    release,
    version,
    image: find(`boot/vmlinuz-${release}`, ...folders.map((folder) => join(folder, "vmlinuz"))),
    modules: find(...folders.map((folder) => join(folder, "kernel"))),
    builtIn: find(...folders.map((folder) => join(folder, "modules.builtin"))),
  };
}

async function currentKernel(
  archive: DebianArchive,
  isKernel: (name: string) => boolean,
): Promise<string> {
  const names = await archive.dependencies("linux-image-cloud-amd64");
  const name = names.find(isKernel);
  if (name === undefined) {
    throw new LabError(
      "LAB_PACKAGE",
      `${archive.suite} has no such kernel, but ${names.join(", ")}`,
    );
  }
  return name;
}
