// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bootVm, compileProgram, executable, type KernelSeries } from "@nsattest/lab";
import { captureBoot } from "./boot.ts";
import { type Captured, collect } from "./collect.ts";
import { firstLine } from "./first-line.ts";
import { filesToMake, type MadeFile, type SignatureVector } from "./made-file.ts";
import { FOLDER, GUEST, makeFile } from "./make-file.ts";
import { KEYRING, POLICY } from "./policy.ts";

const BANKS = ["sha1", "sha256", "sha384", "sha512"];
const CACHE = resolve(".cache/lab");
const VECTORS = "ns-ima/test/vectors";
const SERIES: readonly KernelSeries[] = ["6.1", "6.12", "newest"];

/** What distinguishes the boots of one kernel. */
interface Boot {
  readonly name: string;
  readonly banks: readonly string[];
  readonly append: readonly string[];
  /** What `filesToMake` makes of it. */
  readonly few: boolean;
}

const BOOTS: readonly Boot[] = [
  { name: "templates", banks: BANKS, append: [], few: false },
  {
    name: "custom-template",
    banks: BANKS,
    append: ["ima_template_fmt=d-ng|n-ng|iuid|igid|imode"],
    few: true,
  },
  // No bank that boot_aggregate could be computed from.
  { name: "sha384-bank-only", banks: ["sha384"], append: [], few: true },
];

interface Vector extends Captured {
  readonly about: {
    readonly kernel: string;
    readonly build: string;
    readonly commandLine: string;
    readonly policy: readonly string[];
    readonly template: string;
    readonly banks: readonly string[];
    readonly kernelLog: readonly string[];
    readonly tools: readonly string[];
  };
  /** What was made and read, in this order. */
  readonly files: readonly MadeFile[];
}

/**
 * Captures the vectors of one kernel series: lists into `ns-ima/test/vectors`, with `--boot` an event log into
 * `tpm/test/vectors`. The current folder is the repository.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { kernel: { type: "string" }, boot: { type: "boolean", default: false } },
  });
  const kernel = SERIES.find((series) => series === values.kernel);
  if (kernel === undefined) throw new Error(`--kernel takes one of ${SERIES.join(", ")}`);
  if (values.boot) return captureBoot(kernel, CACHE);
  const { keys, signatures } = JSON.parse(
    await readFile(join(VECTORS, "signatures/signatures.json"), "utf8"),
  ) as { keys: { certificate: string }[]; signatures: SignatureVector[] };
  const certificates = keys.slice(0, 2).map(({ certificate }) => Buffer.from(certificate, "hex"));
  for (const boot of BOOTS) {
    const { version, vector } = await capture(
      kernel,
      boot,
      filesToMake(signatures, boot.few),
      certificates,
    );
    const folder = join(VECTORS, `kernel-${version}`);
    await mkdir(folder, { recursive: true });
    const path = join(folder, `${boot.name}.json`);
    await writeFile(path, `${JSON.stringify(vector, null, 1)}\n`);
    process.stdout.write(`${path}: ${vector.count} records\n`);
  }
}

async function capture(
  kernel: KernelSeries,
  boot: Boot,
  files: readonly MadeFile[],
  certificates: readonly Buffer[],
): Promise<{ version: string; vector: Vector }> {
  const guest = await compileProgram("test/vm/capture/guest.c", CACHE);
  const vm = await bootVm({
    ...{ kernel, cacheDir: CACHE, banks: boot.banks, imaPolicy: POLICY },
    files: [executable(GUEST, guest)],
    append: ["ima_policy=critical_data", ...boot.append],
    log: (line) => process.stderr.write(`${line}\n`),
  });
  try {
    await vm.check(`mkdir ${FOLDER}`);
    for (const certificate of certificates) {
      await vm.check(`${GUEST} key ${KEYRING}`, { input: certificate });
    }
    const made: MadeFile[] = [];
    for (const file of files) if (await makeFile(vm, file)) made.push(file);
    const captured = await collect(vm);
    const build = (await vm.check("uname -v")).trim();
    const commandLine = (await vm.check("cat /proc/cmdline")).trim();
    const kernelLog = (await vm.check("dmesg | grep -E 'ima:|tpm_tis'")).trim().split("\n");
    const about = {
      ...{ kernel: vm.kernelRelease, build, commandLine },
      policy: POLICY.trim().split("\n"),
      template: boot.append[0]?.split("=")[1] ?? "ima-sig",
      ...{ banks: boot.banks, kernelLog },
      tools: [
        ["qemu-system-x86_64", "--version"],
        ["swtpm", "--version"],
      ].map(firstLine),
    };
    const version = /Debian (\d+\.\d+\.\d+)/.exec(build)?.[1] ?? vm.kernelRelease;
    return { version, vector: { about, files: made, ...captured } };
  } finally {
    await vm.stop();
  }
}

await main();
