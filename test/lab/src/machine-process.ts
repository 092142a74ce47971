// SPDX-License-Identifier: Apache-2.0
import { startBoundProcess } from "./bound-process.ts";
import type { Firmware } from "./firmware.ts";

const TAIL_LINES = 40;

const MEMORY_MIB = 2048;
/** Memory of a machine: below it QEMU puts what it loads. */
export const MEMORY_BYTES: number = MEMORY_MIB * 1024 * 1024;

/** What QEMU needs to know of one machine. */
export interface MachineParts {
  readonly kernel: string;
  readonly initramfs: string;
  readonly disk: string;
  /** Unix sockets: the TPM's control channel and the command channel. */
  readonly tpmSocket: string;
  readonly shellSocket: string;
  readonly append: string;
  /** Firmware that measures what it boots; null for QEMU's own, which leaves a kernel given by `-kernel` unmeasured. */
  readonly firmware: Firmware | null;
  /** Count instructions instead of time: repeatable cost, one processor, slower. */
  readonly icount: boolean;
}

/** A QEMU process and its console. */
export interface MachineProcess {
  /** Ends it and returns when it has ended. */
  kill(): Promise<void>;
  /** The console's last lines. */
  consoleTail(): string;
  readonly exited: Promise<void>;
}

/**
 * The arguments of QEMU. No KVM: it may be there and still fail in the guest. `-cx16`: its emulated cmpxchg16b can panic
 * newer kernels. The processors take turns in one thread: with a thread each, QEMU before 8.1 can translate code that the
 * other processor is just patching (static keys, BPF trampolines) and keep what it read, and the guest panics on a stale int3.
 */
function machineArguments(parts: MachineParts): string[] {
  const cpu = parts.icount ? ["-smp", "1", "-icount", "shift=0,sleep=off"] : ["-smp", "2"];
  return [
    ...[
      "-M",
      "q35",
      "-accel",
      "tcg,thread=single",
      ...cpu,
      "-cpu",
      "max,-cx16",
      "-m",
      `${MEMORY_MIB}`,
    ],
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"],
    ...(parts.firmware === null ? [] : flash(parts.firmware)),
    ...["-kernel", parts.kernel, "-initrd", parts.initramfs, "-append", parts.append],
    ...["-drive", `if=virtio,format=raw,snapshot=on,file=${parts.disk}`],
    ...["-chardev", `socket,id=tpm,path=${parts.tpmSocket}`],
    ...["-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0"],
    ...["-chardev", `socket,id=shell,path=${parts.shellSocket}`],
    ...[
      "-device",
      "virtio-serial-pci",
      "-device",
      "virtserialport,chardev=shell,name=nsattest.lab",
    ],
    ...["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="],
    ...["-device", "virtio-rng-pci"],
  ];
}

function flash({ code, variables }: Firmware): string[] {
  return [
    ...["-drive", `if=pflash,format=raw,readonly=on,file=${code}`],
    ...["-drive", `if=pflash,format=raw,file=${variables}`],
  ];
}

/** Starts QEMU. It ends with this process, however that ends. */
export function startMachine(parts: MachineParts, log: (line: string) => void): MachineProcess {
  const child = startBoundProcess("qemu-system-x86_64", machineArguments(parts));
  const tail: string[] = [];
  let unfinished = "";
  const hear = (chunk: Buffer): void => {
    const lines = (unfinished + chunk.toString("utf8")).replaceAll("\r", "").split("\n");
    unfinished = lines.pop() ?? "";
    for (const line of lines) {
      tail.push(line);
      log(line);
    }
    tail.splice(0, tail.length - TAIL_LINES);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const exited = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (cause) => {
      hear(Buffer.from(`${cause.message}\n`));
      resolve();
    });
  });
  const kill = (): Promise<void> => {
    child.kill("SIGKILL");
    return exited;
  };
  return { kill, exited, consoleTail: () => [...tail, unfinished].join("\n") };
}
