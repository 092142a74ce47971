// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { LabError } from "./error.ts";

/** Files of a UEFI firmware that measures what it boots into the TPM and hands over a log of that. */
export interface Firmware {
  readonly code: string;
  /** The machine's own: firmware writes into it. */
  readonly variables: string;
}

/** Debian's package `ovmf`. */
const OVMF = "/usr/share/OVMF";

/** OVMF for one machine, with variables as the package ships them in `folder`. @throws LabError `LAB_FILE` without the package */
export async function prepareFirmware(folder: string): Promise<Firmware> {
  const code = join(OVMF, "OVMF_CODE_4M.fd");
  if (!existsSync(code)) throw new LabError("LAB_FILE", `${code} is missing; install ovmf`);
  const variables = join(folder, "firmware-variables");
  await copyFile(join(OVMF, "OVMF_VARS_4M.fd"), variables);
  return { code, variables };
}
