// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";
import { ensureLoaded } from "./load.ts";
import { DEFAULT_PIN_FOLDER } from "./pins.ts";

const HELP = `nsattest-bpf: loads, attaches and pins the BPF programs, then ends

Usage: nsattest-bpf [--object FILE] [--pins FOLDER] < /sys/kernel/security/ima/binary_runtime_measurements

Start it before any container runtime, with CAP_BPF and CAP_PERFMON. A second start finds the programs running and changes nothing.

  --object FILE   BPF object (default: /usr/lib/nsattest/nsattest.bpf.o)
  --pins FOLDER   folder in bpffs (default: ${DEFAULT_PIN_FOLDER})
  --help          this text

Prints one JSON line. Exit code: 0 the programs run, 1 they do not, 2 wrong usage.
`;

function main(): number {
  let values: { object: string; pins: string; help: boolean };
  try {
    values = parseArgs({
      options: {
        object: { type: "string", default: "/usr/lib/nsattest/nsattest.bpf.o" },
        pins: { type: "string", default: DEFAULT_PIN_FOLDER },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`nsattest-bpf: ${String(error)}; see --help\n`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    const result = ensureLoaded({
      objectFile: values.object,
      pinFolder: values.pins,
      hostListFd: 0,
    });
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(
      `nsattest-bpf: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 1;
  }
}

process.exitCode = main();
