// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";
import { AgentError } from "../error.ts";
import { DEFAULT_PIN_FOLDER } from "../loader/pins.ts";
import { TPM_DEVICE } from "../tpm-device/device-file.ts";
import { HOST_LIST } from "./source/host-list.ts";

export const HELP: string = `nsattest-monitor: records what every container of this node executes and anchors it in the TPM

Usage: nsattest-monitor [options]

  --run FOLDER     sockets, log and spool; must not outlive the boot (default: /run/nsattest)
  --state FOLDER   the attestation key, wrapped by the TPM (default: /var/lib/nsattest/monitor)
  --pins FOLDER    where nsattest-bpf pinned its programs (default: ${DEFAULT_PIN_FOLDER})
  --tpm DEVICE     the TPM (default: ${TPM_DEVICE})
  --list FILE      IMA's binary list (default: ${HOST_LIST})
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
    };
  } catch (error) {
    throw new AgentError("CONFIG", `${String(error)}; see --help`, { cause: error });
  }
}
