// SPDX-License-Identifier: Apache-2.0
import type { BootFiles } from "./boot-reference.ts";
import type { Disk } from "./disk.ts";
import { LabError } from "./error.ts";
import type { GuestChannel } from "./guest-channel.ts";
import { type CommandResult, GuestCommand, type RunOptions } from "./guest-command.ts";
import { type RuntimePolicyDocument, runtimePolicy } from "./runtime-policy.ts";
import { shellQuote } from "./shell-quote.ts";

/** What a running machine consists of. */
export interface VmParts {
  readonly channel: GuestChannel;
  readonly bootFiles: BootFiles;
  readonly kernelRelease: string;
  readonly kernelKeys: readonly string[];
  readonly disk: Disk;
  readonly ekRoots: readonly string[];
  /** Resolves when QEMU has ended. */
  readonly exited: Promise<void>;
  /** Ends all processes and removes their files. */
  end(): Promise<void>;
}

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
  /** The host's allowlist: every regular file of the disk, and the keys built into the kernel. */
  readonly hostPolicy: RuntimePolicyDocument;
  /** PEM of the CA that certified the TPM's EK: the root, then the issuer it signed. */
  readonly ekRoots: readonly string[];
  readonly kernelRelease: string;
  /** What this machine boots, unless something was swapped. */
  readonly bootFiles: BootFiles;
  readonly #channel: GuestChannel;
  readonly #parts: VmParts;

  constructor(parts: VmParts) {
    this.disk = parts.disk;
    this.hostPolicy = runtimePolicy(parts.disk.digests, {
      ".builtin_trusted_keys": parts.kernelKeys,
    });
    this.ekRoots = parts.ekRoots;
    this.kernelRelease = parts.kernelRelease;
    this.bootFiles = parts.bootFiles;
    this.#channel = parts.channel;
    this.#parts = parts;
  }

  /** Resolves when the machine has ended, by `stop` or by itself. */
  get exited(): Promise<void> {
    return this.#parts.exited;
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
  stop(): Promise<void> {
    this.#channel.fail(new LabError("LAB_CHANNEL", "the machine was stopped"));
    return this.#parts.end();
  }
}
