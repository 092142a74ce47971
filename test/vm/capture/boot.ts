// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bootVm, type KernelSeries } from "@nsattest/lab";
import { collect } from "./collect.ts";
import { firstLine } from "./first-line.ts";

const VECTORS = "tpm/test/vectors/event-log";

/** Boots a kernel through OVMF and writes down its event log and what the TPM says to it. */
export async function captureBoot(kernel: KernelSeries, cacheDir: string): Promise<void> {
  const vm = await bootVm({
    ...{ kernel, cacheDir, files: [], measuredBoot: true },
    log: (line) => process.stderr.write(`${line}\n`),
  });
  try {
    const { eventLog, pcrs, ascii } = await collect(vm);
    const about = {
      kernel: vm.kernelRelease,
      build: (await vm.check("uname -v")).trim(),
      commandLine: (await vm.check("cat /proc/cmdline")).trimEnd(),
      firmware: firstLine(["dpkg-query", "--show", "ovmf"]).replace("\t", " "),
      tools: [
        ["qemu-system-x86_64", "--version"],
        ["swtpm", "--version"],
      ].map(firstLine),
    };
    const aggregate = /^10 \S+ ima-sig (\S+) boot_aggregate/.exec(ascii)?.[1];
    await mkdir(VECTORS, { recursive: true });
    const path = join(VECTORS, `ovmf-${kernel}.json`);
    await writeFile(path, `${JSON.stringify({ about, aggregate, pcrs, eventLog }, null, 1)}\n`);
    process.stdout.write(`${path}\n`);
  } finally {
    await vm.stop();
  }
}
