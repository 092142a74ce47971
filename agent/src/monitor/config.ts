// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";
import { EK_KINDS, type EkName } from "@nsattest/tpm";
import { AgentError } from "../error.ts";
import { DEFAULT_PIN_FOLDER } from "../loader/pins.ts";
import { TPM_DEVICE } from "../tpm-device/device-file.ts";
import { BOOT_LOG } from "./source/boot-log.ts";
import { HOST_LIST } from "./source/host-list.ts";

export const HELP: string = `nsattest-monitor: records what every container of this node executes and anchors it in the TPM

Usage: nsattest-monitor [options]

  --run FOLDER     sockets, log and spool; must not outlive the boot (default: /run/nsattest)
  --state FOLDER   the attestation key, wrapped by the TPM (default: /var/lib/nsattest/monitor)
  --pins FOLDER    where nsattest-bpf pinned its programs (default: ${DEFAULT_PIN_FOLDER})
  --tpm DEVICE     the TPM (default: ${TPM_DEVICE})
  --ek TEMPLATE    the endorsement key: L-1 or H-1 (RSA-2048), L-2 or H-2 (P-256), H-3 (P-384), as the TCG names its templates
                   (default: the first of L-1, L-2, H-1, H-2, H-3 of which the TPM has a certificate, else L-1)
  --list FILE      IMA's binary list (default: ${HOST_LIST})
  --boot-log FILE  the log of what was booted (default: ${BOOT_LOG})
  --help           this text

Needs CAP_BPF, CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE, and no network. Exit code: 0 ended by SIGTERM, 1 a failure, 2 wrong usage.
`;

/** Settings of a monitor; all of them present. */
export interface MonitorConfig {
  readonly runFolder: string;
  readonly stateFolder: string;
  readonly pinFolder: string;
  readonly tpmDevice: string;
  readonly hostList: string;
  /** Null to look which one the vendor certified. */
  readonly endorsementKey: EkName | null;
  readonly bootLog: string;
}

/** Reads the command line; null when help is asked for. @throws AgentError `CONFIG` */
export function parseMonitorArguments(args: readonly string[]): MonitorConfig | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        run: { type: "string", default: "/run/nsattest" },
        state: { type: "string", default: "/var/lib/nsattest/monitor" },
        pins: { type: "string", default: DEFAULT_PIN_FOLDER },
        tpm: { type: "string", default: TPM_DEVICE },
        list: { type: "string", default: HOST_LIST },
        ek: { type: "string" },
        "boot-log": { type: "string", default: BOOT_LOG },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return null;
    return {
      runFolder: values.run,
      stateFolder: values.state,
      pinFolder: values.pins,
      tpmDevice: values.tpm,
      hostList: values.list,
      endorsementKey: values.ek === undefined ? null : ekName(values.ek),
      bootLog: values["boot-log"],
    };
  } catch (error) {
    throw new AgentError("CONFIG", `${String(error)}; see --help`, { cause: error });
  }
}

function ekName(text: string): EkName {
  const kind = Object.values(EK_KINDS).find(({ name }) => name === text);
  if (kind === undefined) throw new Error(`there is no template ${text}`);
  return kind.name;
}
