// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatherBaseSystem } from "./base-system.ts";
import { buildDisk, type Disk } from "./disk.ts";
import { LabError } from "./error.ts";
import { GuestChannel } from "./guest-channel.ts";
import { type CommandResult, GuestCommand, type RunOptions } from "./guest-command.ts";
import type { GuestFile } from "./guest-file.ts";
import { buildInitramfs } from "./initramfs.ts";
import { fetchKernel, type KernelSeries } from "./kernel.ts";
import { type MachineProcess, startMachine } from "./machine-process.ts";
import { shellQuote } from "./shell-quote.ts";
import { type Swtpm, startSwtpm } from "./swtpm.ts";

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
  /** More words for the kernel's command line. */
  readonly append?: readonly string[];
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

/** The kernel's list and the TPM's registers, read one after the other. */
export interface CollectedState {
  /** Raw `binary_runtime_measurements`. */
  readonly list: Buffer;
  /** SHA-256 bank, hex, by index. */
  readonly pcrs: ReadonlyMap<number, string>;
}

/** A running machine. */
export class Vm {
  readonly disk: Disk;
  /** PEM of the CA that certified the TPM's EK: the root, then the issuer it signed. */
  readonly ekRoots: readonly string[];
  readonly kernelRelease: string;
  readonly #channel: GuestChannel;
  readonly #parts: RunningParts;

  constructor(channel: GuestChannel, parts: RunningParts) {
    this.disk = parts.disk;
    this.ekRoots = parts.tpm.rootCertificates;
    this.kernelRelease = parts.kernelRelease;
    this.#channel = channel;
    this.#parts = parts;
  }

  /** Resolves when the machine has ended, by `stop` or by itself. */
  get exited(): Promise<void> {
    return this.#parts.machine.exited;
  }

  /** Starts a shell script as root; many may run at once. */
  spawn(script: string): GuestCommand {
    return new GuestCommand(this.#channel, ["/bin/sh", "-c", script]);
  }

  /**
   * Runs a shell script as root to its end.
   *
   * @throws LabError `LAB_TIMEOUT`, or `LAB_CHANNEL` when the machine ends meanwhile
   */
  async run(script: string, options: RunOptions = {}): Promise<CommandResult> {
    const command = this.spawn(script);
    if (options.input !== undefined) command.write(options.input);
    command.end();
    const milliseconds = options.timeout ?? 60_000;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      command.signal(9);
    }, milliseconds);
    try {
      const result = await command.result;
      if (!timedOut) return result;
    } finally {
      clearTimeout(timer);
    }
    const words = `${command.stdout}${command.stderr}`.slice(-2000);
    throw new LabError("LAB_TIMEOUT", `no end after ${milliseconds} ms: ${script}\n${words}`);
  }

  /**
   * Runs a shell script that must succeed and returns its standard output as text.
   *
   * @throws LabError `LAB_COMMAND` when it ends with an error, and what `run` throws
   */
  async check(script: string, options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(script, options);
    if (code === 0) return stdout.toString("utf8");
    const words = `${stdout}${stderr}`.slice(-4000);
    throw new LabError("LAB_COMMAND", `exit code ${code}: ${script}\n${words}`);
  }

  /**
   * Writes a file, making the folders above it.
   *
   * @throws LabError `LAB_COMMAND`
   */
  async write(path: string, bytes: string | Uint8Array, mode = 0o644): Promise<void> {
    const at = shellQuote(path);
    await this.check(
      `mkdir -p "$(dirname ${at})" && cat > ${at} && chmod ${mode.toString(8)} ${at}`,
      { input: bytes },
    );
  }

  /**
   * Reads a file.
   *
   * @throws LabError `LAB_COMMAND` when it cannot be read
   */
  async read(path: string): Promise<Buffer> {
    const { code, stdout, stderr } = await this.run(`cat ${shellQuote(path)}`);
    if (code !== 0) throw new LabError("LAB_COMMAND", stderr.toString("utf8"));
    return stdout;
  }

  /** Reads the host list, then the PCRs: the list may have grown in between, as for any reader. */
  async collect(): Promise<CollectedState> {
    const list = await this.read("/sys/kernel/security/ima/binary_runtime_measurements");
    const text = await this.check("cd /sys/class/tpm/tpm0/pcr-sha256 && grep . *");
    const lines = text.trim().split("\n");
    const pcrs = lines.map((line): [number, string] => {
      const [index, value] = line.split(":");
      return [Number(index), (value ?? "").toLowerCase()];
    });
    return { list, pcrs: new Map(pcrs) };
  }

  /** Ends the machine and its TPM and removes their files; the TPM's state stays when the caller brought it. */
  async stop(): Promise<void> {
    this.#channel.fail(new LabError("LAB_CHANNEL", "the machine was stopped"));
    await endMachine(this.#parts);
  }
}

interface RunningParts {
  readonly folder: string;
  readonly kernelRelease: string;
  readonly disk: Disk;
  readonly tpm: Swtpm;
  readonly machine: MachineProcess;
}

/**
 * Boots a machine and waits until it takes commands. It ends with `stop`, and with this process.
 *
 * @throws LabError `LAB_BOOT` when it does not come up, and whatever preparing it throws
 */
export async function bootVm(options: VmOptions): Promise<Vm> {
  const log = options.log ?? (() => undefined);
  log(`kernel ${options.kernel}`);
  const kernel = await fetchKernel(options.kernel, options.cacheDir);
  const base = await gatherBaseSystem(options.cacheDir);
  log("disk");
  const disk = await buildDisk([...base.files, ...options.files], options.cacheDir);
  const folder = await mkdtemp(join(tmpdir(), "nsattest-lab-"));
  const initramfs = join(folder, "initramfs");
  const tpmSocket = join(folder, "tpm");
  const shellSocket = join(folder, "shell");
  await writeFile(initramfs, await buildInitramfs(kernel, base.busybox));
  const stateDir = options.tpmStateDir ?? join(folder, "tpm-state");
  const tpm = await startSwtpm({ stateDir, control: tpmSocket });
  log("boot");
  const machine = startMachine(
    {
      kernel: kernel.image,
      initramfs,
      disk: disk.image,
      tpmSocket,
      shellSocket,
      append: [...COMMAND_LINE, ...(options.append ?? [])].join(" "),
      icount: options.icount ?? false,
    },
    log,
  );
  const parts = { folder, kernelRelease: kernel.release, disk, tpm, machine };
  try {
    const channel = await connectShell(shellSocket, machine);
    return new Vm(channel, parts);
  } catch (cause) {
    await endMachine(parts);
    throw new LabError(
      "LAB_BOOT",
      `${cause}; the console's last lines:\n${machine.consoleTail()}`,
      {
        cause,
      },
    );
  }
}

async function connectShell(path: string, machine: MachineProcess): Promise<GuestChannel> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), BOOT_DEADLINE_MS);
  });
  const ended = machine.exited.then(() => "ended" as const);
  try {
    const socket = await Promise.race([waitForFile(path), ended]);
    if (socket === "ended") throw new LabError("LAB_BOOT", "QEMU ended at once");
    const channel = await GuestChannel.open(path);
    const outcome = await Promise.race([channel.ready, ended, late]);
    if (outcome === "ended") throw new LabError("LAB_BOOT", "the machine ended while booting");
    if (outcome === "late") throw new LabError("LAB_BOOT", `not up after ${BOOT_DEADLINE_MS} ms`);
    return channel;
  } finally {
    clearTimeout(timer);
  }
}

async function waitForFile(path: string): Promise<void> {
  while ((await stat(path).catch(() => null)) === null) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function endMachine(parts: RunningParts): Promise<void> {
  parts.machine.child.kill("SIGKILL");
  await parts.machine.exited;
  await parts.tpm.close();
  await rm(parts.folder, { recursive: true, force: true });
}
