// SPDX-License-Identifier: Apache-2.0
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type DebianArchive, openArchive } from "./debian-archive.ts";
import { LabError } from "./error.ts";

/** The stock kernels the lab boots: Debian 12's and Debian 13's, unmodified. */
export type KernelSeries = "6.1" | "6.12";

const SUITES: Readonly<Record<KernelSeries, string>> = { "6.1": "bookworm", "6.12": "trixie" };

/** A kernel as its package holds it. */
export interface LabKernel {
  /** As `uname -r` says it. */
  readonly release: string;
  /** Debian's package version. */
  readonly version: string;
  readonly image: string;
  /** `lib/modules/<release>`. */
  readonly modules: string;
}

/**
 * Debian's cloud kernel of a series, fetched once: to renew it, delete the cache folder.
 *
 * @throws LabError `LAB_PACKAGE`, `LAB_HOST_UNSUPPORTED`, `LAB_TOOL_MISSING`, `LAB_TOOL_FAILED`
 */
export async function fetchKernel(series: KernelSeries, cacheDir: string): Promise<LabKernel> {
  const archive = await openArchive(SUITES[series], cacheDir);
  const isKernel = (name: string): boolean =>
    name.startsWith(`linux-image-${series}.`) || name.startsWith(`linux-image-${series}+`);
  const name =
    (await archive.unpacked()).find(isKernel) ?? (await currentKernel(archive, isKernel));
  const kernel = await archive.unpack(name);
  const boot = join(kernel.root, "boot");
  const image = (await readdir(boot)).find((file) => file.startsWith("vmlinuz-"));
  if (image === undefined) throw new LabError("LAB_PACKAGE", `${name} holds no kernel`);
  const release = image.slice("vmlinuz-".length);
  // Packages have their files under /usr since Debian 13.
  const lib = (await readdir(kernel.root)).includes("lib") ? "lib" : "usr/lib";
  const modules = join(kernel.root, lib, "modules", release);
  return { release, version: kernel.version, image: join(boot, image), modules };
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
