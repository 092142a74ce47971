// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatherBaseSystem } from "./base-system.ts";
import type { BootFiles } from "./boot-reference.ts";
import { buildDisk } from "./disk.ts";
import { LabError } from "./error.ts";
import { prepareFirmware } from "./firmware.ts";
import { type GuestListener, listenForGuest } from "./guest-channel.ts";
import type { GuestFile } from "./guest-file.ts";
import { buildInitramfs } from "./initramfs.ts";
import { fetchKernel, type KernelSeries } from "./kernel.ts";
import { builtinKeyDigests } from "./kernel-keys.ts";
import { type MachineProcess, startMachine } from "./machine-process.ts";
import { startSwtpm } from "./swtpm.ts";
import { Vm } from "./vm.ts";

/** How a machine is made. */
export interface VmOptions {
  readonly kernel: KernelSeries;
  /** Where packages, images and compiled programs are kept between runs. */
  readonly cacheDir: string;
  /** What the disk holds beside the base system. */
  readonly files: readonly GuestFile[];
  /**
   * Folder of a TPM that outlives the machine (made when it is not there): boot with it again and it is the same TPM,
   * one reset later. Without it the machine has a new TPM of its own.
   */
  readonly tpmStateDir?: string;
  /** PCR banks of a new TPM. Default: sha1, sha256, sha384. */
  readonly banks?: readonly string[];
  /** Text of `/etc/ima/ima-policy`, which is loaded by its path. Default: the policy of a node. */
  readonly imaPolicy?: string;
  /** More words for the kernel's command line. */
  readonly append?: readonly string[];
  /** Boot through UEFI firmware (OVMF) that measures itself, kernel, command line and initial file system. */
  readonly measuredBoot?: boolean;
  /** What is booted instead of what `Vm.bootFiles` says: the machine of somebody who has it in his hands. */
  readonly swapped?: (usual: BootFiles) => Partial<BootFiles>;
  /** Repeatable cost instead of speed: see `MachineParts.icount`. */
  readonly icount?: boolean;
  /** Told what is being done, and every line of the console. */
  readonly log?: (line: string) => void;
}

/** The words of the command line without which nothing of IMA's policy is proven. */
const COMMAND_LINE = [
  "console=ttyS0",
  "audit=1",
  "audit_backlog_limit=8192",
  "quiet",
  "panic=-1",
  "ima_policy=tcb",
];

const BOOT_DEADLINE_MS = 120_000;

/**
 * Boots a machine and waits until it takes commands. It ends with `stop`, and with this process.
 *
 * @throws LabError `LAB_BOOT` when it does not come up, and whatever preparing it throws
 */
export async function bootVm(options: VmOptions): Promise<Vm> {
  const log = options.log ?? (() => undefined);
  const folder = await mkdtemp(join(tmpdir(), "nsattest-lab-"));
  const cleanUp: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const end = async (): Promise<void> => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  };
  try {
    log(`kernel ${options.kernel}`);
    const kernel = await fetchKernel(options.kernel, options.cacheDir);
    const base = await gatherBaseSystem(options.cacheDir, options.imaPolicy);
    const kernelKeys = await builtinKeyDigests(kernel.image);
    const initramfs = join(folder, "initramfs");
    const usualInitramfs = await buildInitramfs(kernel, base.busybox);
    const bootFiles: BootFiles = {
      kernel: await readFile(kernel.image),
      initramfs: usualInitramfs,
      commandLine: [...COMMAND_LINE, ...(options.append ?? [])].join(" "),
    };
    const booted = { ...bootFiles, ...options.swapped?.(bootFiles) };
    await writeFile(initramfs, booted.initramfs);
    const image = join(folder, "kernel");
    await writeFile(image, booted.kernel);
    const firmware = options.measuredBoot ? await prepareFirmware(folder) : null;
    log("disk");
    const disk = await buildDisk([...base.files, ...options.files], options.cacheDir);

    const tpmSocket = join(folder, "tpm");
    const stateDir = options.tpmStateDir ?? join(folder, "tpm-state");
    const tpm = await startSwtpm({
      ...{ stateDir, control: tpmSocket },
      ...(options.banks === undefined ? {} : { banks: options.banks }),
    });
    cleanUp.push(() => tpm.close());
    const shellSocket = join(folder, "shell");
    let machine: MachineProcess | undefined;
    const listener = await listenForGuest(shellSocket, async () => {
      await machine?.exited;
      return machine?.consoleTail() ?? "";
    });
    cleanUp.push(() => listener.close());
    log("boot");
    machine = startMachine(
      {
        kernel: image,
        firmware,
        initramfs,
        disk: disk.image,
        tpmSocket,
        shellSocket,
        append: booted.commandLine,
        icount: options.icount ?? false,
      },
      log,
    );
    cleanUp.push(() => machine.kill());
    const channel = await waitForGuest(listener, machine);
    const ekRoots = tpm.rootCertificates;
    const { exited } = machine;
    return new Vm({
      channel,
      bootFiles,
      kernelRelease: kernel.release,
      kernelKeys,
      disk,
      ekRoots,
      exited,
      end,
    });
  } catch (error) {
    await end();
    throw error;
  }
}

async function waitForGuest(
  listener: GuestListener,
  machine: MachineProcess,
): Promise<Awaited<GuestListener["guest"]>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`is not up after ${BOOT_DEADLINE_MS} ms`), BOOT_DEADLINE_MS);
  });
  const ended = machine.exited.then(() => "ended while booting");
  const outcome = await Promise.race([listener.guest, ended, late]);
  clearTimeout(timer);
  if (typeof outcome !== "string") return outcome;
  const tail = machine.consoleTail();
  throw new LabError("LAB_BOOT", `the machine ${outcome}; its console's last lines:\n${tail}`);
}
