// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { eventText, eventTypeName, parseEventLog } from "@nsattest/tpm";
import { LabError } from "./error.ts";
import { runHostTool } from "./host-tool.ts";
import { MEMORY_BYTES } from "./machine-process.ts";
import { OVMF_EVENTS, OVMF_PACKAGE } from "./ovmf-events.ts";
import { peDigest } from "./pe-digest.ts";

/** What a machine boots, or is to boot. */
export interface BootFiles {
  readonly kernel: Buffer;
  readonly initramfs: Buffer;
  /** As it is given to QEMU. */
  readonly commandLine: string;
}

/** The word that OVMF puts behind a command line when there is an initial file system. */
const OVMF_WORD = "initrd=initrd";

/** An event as `boot-policy.json` has it. */
interface PolicyEvent {
  readonly pcr: number;
  readonly type: string;
  readonly what?: string;
  readonly digests: readonly string[];
}

/** What firmware measures of itself; null when another version of its package is installed than the one that was captured. */
export async function knownFirmwareEvents(): Promise<readonly PolicyEvent[] | null> {
  const installed = await runHostTool("dpkg-query", ["--show", "ovmf"]);
  if (installed.toString("utf8").trim().replace("\t", " ") !== OVMF_PACKAGE) return null;
  return OVMF_EVENTS.map(([pcr, type, text, sha256]) => policyEvent(pcr, type, text, sha256));
}

/** What firmware says that it has measured of itself in a boot: for firmware that nobody captured. */
export function firmwareEventsIn(log: Buffer): readonly PolicyEvent[] {
  return parseEventLog(log).events.flatMap(({ pcr, type, data, digests }) => {
    const name = eventTypeName(type);
    const isFiles = name === KERNEL_TYPE || name === STUB_TYPE;
    const sha256 = digests.get("sha256");
    if (sha256 === undefined) throw new LabError("LAB_BOOT", "the log has no SHA-256 digests");
    const hex = Buffer.from(sha256).toString("hex");
    return isFiles ? [] : [policyEvent(pcr, name, eventText(data), hex)];
  });
}

function policyEvent(pcr: number, type: string, text: string, sha256: string): PolicyEvent {
  return { pcr, type, ...(text !== "" && { what: text }), digests: [`sha256:${sha256}`] };
}

const KERNEL_TYPE = "EV_EFI_BOOT_SERVICES_APPLICATION";
/** Of what the kernel's EFI stub measures. */
const STUB_TYPE = "EV_EVENT_TAG";

/**
 * A verifier's `boot-policy.json` for machines that boot `files`: kernel, command line and initial file system come from
 * the files, nothing from a machine.
 */
export function bootPolicyFor(files: BootFiles, firmware: readonly PolicyEvent[]): object {
  const { kernel, initramfs, commandLine } = files;
  const kernels = [kernel, asQemuGivesIt(kernel, initramfs.length)].map(peDigest);
  const initrd = createHash("sha256").update(initramfs).digest("hex");
  return {
    references: [
      {
        name: "lab",
        events: [
          ...firmware,
          {
            ...{ pcr: 4, type: KERNEL_TYPE, what: "kernel" },
            digests: kernels.map((digest) => `sha256:${digest}`),
          },
          {
            ...{ pcr: 9, type: STUB_TYPE, what: "LOADED_IMAGE::LoadOptions" },
            commandLines: [`${commandLine} ${OVMF_WORD}`],
          },
          {
            ...{ pcr: 9, type: STUB_TYPE, what: "Linux initrd" },
            digests: [`sha256:${initrd}`],
          },
        ],
      },
    ],
  };
}

/** Fields of the boot protocol's header (Linux, Documentation/arch/x86/boot.rst) that QEMU fills in before firmware reads the file. */
const LOADER_TYPE = 0x210;
const LOAD_FLAGS = 0x211;
const INITRD_ADDRESS = 0x218;
const INITRD_SIZE = 0x21c;
const HEAP_END = 0x224;
const COMMAND_LINE_ADDRESS = 0x228;

/** What QEMU up to 7.2 hands to firmware for a kernel (`x86_load_linux`); newer ones leave the file as it is for UEFI. */
function asQemuGivesIt(kernel: Buffer, initrdSize: number): Buffer {
  const given = Buffer.from(kernel);
  const commandLine = 0x20000;
  const setup = 0x10000;
  const tables = 0x28000;
  given.writeUInt8(0xb0, LOADER_TYPE);
  given.writeUInt8(given.readUInt8(LOAD_FLAGS) | 0x80, LOAD_FLAGS);
  given.writeUInt16LE(commandLine - setup - 0x200, HEAP_END);
  given.writeUInt32LE(commandLine, COMMAND_LINE_ADDRESS);
  const highest = MEMORY_BYTES - tables - 1;
  given.writeUInt32LE(highest - initrdSize - ((highest - initrdSize) % 4096), INITRD_ADDRESS);
  given.writeUInt32LE(initrdSize, INITRD_SIZE);
  return given;
}
