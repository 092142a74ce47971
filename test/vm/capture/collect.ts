// SPDX-License-Identifier: Apache-2.0
import type { Vm } from "@nsattest/lab";
import { splitDigests } from "./digest-column.ts";

const IMA = "/sys/kernel/security/ima";

/** What a boot leaves behind: the list in every form, and what the TPM says to it. */
export interface Captured {
  /** `binary_runtime_measurements`, Base64. */
  readonly list: string;
  /**
   * For each `binary_runtime_measurements_<bank>` its digests, hexadecimal. Everything else in those files is what
   * `list` has in the same place; that was compared when they were captured.
   */
  readonly digests: Readonly<Record<string, readonly string[]>>;
  /** `ascii_runtime_measurements` as Latin-1. */
  readonly ascii: string;
  /** Hexadecimal, by bank and index. */
  readonly pcrs: Readonly<Record<string, readonly string[]>>;
  readonly violations: number;
  readonly count: number;
  /** The firmware's log, Base64; null when the kernel offers none. */
  readonly eventLog: string | null;
}

/** Reads it all while nothing is measured. @throws LabError, and an Error when the list does not come to rest */
export async function collect(vm: Vm): Promise<Captured> {
  for (let attempt = 0; attempt < 5; attempt++) {
    const before = await vm.read(`${IMA}/binary_runtime_measurements`);
    const captured = await read(vm, before);
    if ((await vm.read(`${IMA}/binary_runtime_measurements`)).equals(before)) return captured;
  }
  throw new Error("the list keeps growing");
}

async function read(vm: Vm, list: Buffer): Promise<Captured> {
  const names = await vm.check(`cd ${IMA} && ls -1`);
  const banks = [...names.matchAll(/^binary_runtime_measurements_(sha\d+)$/gm)];
  const digests: Record<string, readonly string[]> = {};
  for (const [file, bank = ""] of banks) {
    const { column, rest } = splitDigests(await vm.read(`${IMA}/${file}`), bank);
    if (!rest.equals(splitDigests(list, "sha1").rest)) throw new Error(`${file} is another list`);
    digests[bank] = column;
  }
  const ascii = await vm.read(`${IMA}/ascii_runtime_measurements`);
  const pcrs: Record<string, string[]> = {};
  for (const line of (await vm.check("cd /sys/class/tpm/tpm0 && grep . pcr-*/*")).split("\n")) {
    const [, bank = "", index, value = ""] = /^pcr-(\w+)\/(\d+):(\w+)$/.exec(line) ?? [];
    if (index === undefined) continue;
    pcrs[bank] ??= [];
    pcrs[bank][Number(index)] = value.toLowerCase();
  }
  const log = await vm.run("cat /sys/kernel/security/tpm0/binary_bios_measurements");
  return {
    list: list.toString("base64"),
    digests,
    ascii: ascii.toString("latin1"),
    pcrs,
    violations: Number(await vm.check(`cat ${IMA}/violations`)),
    count: Number(await vm.check(`cat ${IMA}/runtime_measurements_count`)),
    eventLog: log.code === 0 ? log.stdout.toString("base64") : null,
  };
}
