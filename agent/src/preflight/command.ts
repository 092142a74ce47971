// SPDX-License-Identifier: Apache-2.0

import { parseArgs } from "node:util";
import { openDeviceFile, TPM_DEVICE } from "../tpm-device/device-file.ts";
import { Tpm } from "../tpm-device/tpm.ts";
import type { FindingState } from "./finding.ts";
import { hostAt } from "./host.ts";
import { inspectHost, type PreflightReport, type Readiness } from "./preflight.ts";

export const PREFLIGHT_HELP: string = `nsattest preflight: what this host can prove, and what is missing

Usage: nsattest preflight [--json] [--tpm DEVICE]

Looks at kernel, IMA, BPF, cgroups, TPM and container runtimes, and changes nothing. Run it as root: others may not look
at everything. It asks the TPM for a quote, which takes some TPMs several seconds.

  --tpm DEVICE  the TPM's device (default: ${TPM_DEVICE})
  --json        the report as one JSON object
  --help        this text

Exit code: 0 ready, 2 wrong usage, 3 it can be attested with limits, 4 it cannot be attested.
`;

const EXIT: Readonly<Record<Readiness, number>> = { ready: 0, limited: 3, "not-ready": 4 };
const USAGE = 2;
const MARK: Readonly<Record<FindingState, string>> = {
  ok: "ok",
  limited: "LIMITED",
  missing: "MISSING",
  unknown: "UNKNOWN",
};
const SUMMARY: Readonly<Record<Readiness, string>> = {
  ready: "This host is ready.",
  limited: "This host can be attested, with limits.",
  "not-ready": "This host cannot be attested yet.",
};

/** Runs `nsattest preflight` on this machine and returns its exit code. */
export async function preflight(
  args: readonly string[],
  write: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Promise<number> {
  let values: { json: boolean; help: boolean; tpm: string };
  try {
    values = parseArgs({
      args: [...args],
      options: {
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        tpm: { type: "string", default: TPM_DEVICE },
      },
    }).values;
  } catch (error) {
    write.err(`nsattest: USAGE: ${(error as Error).message}; see nsattest preflight --help\n`);
    return USAGE;
  }
  if (values.help) {
    write.out(PREFLIGHT_HELP);
    return 0;
  }
  const { tpm } = values;
  const open = async (): Promise<Tpm> => new Tpm(await openDeviceFile(tpm));
  const report = await inspectHost(hostAt(), open, () => performance.now());
  write.out(values.json ? `${JSON.stringify(report)}\n` : renderPreflight(report));
  return EXIT[report.readiness];
}

/** The report for a person: a line for each finding, what to do below it. */
export function renderPreflight({ readiness, limits, findings }: PreflightReport): string {
  const lines = findings.flatMap(({ check, state, says, limit, next }) => [
    `${MARK[state].padEnd(8)} ${check.padEnd(19)} ${says}`,
    ...(limit === undefined ? [] : [`${" ".repeat(29)}limit: ${limit}`]),
    ...(next === undefined ? [] : [`${" ".repeat(29)}next:  ${next}`]),
  ]);
  const carried = limits.length === 0 ? "" : ` Its verdicts would carry ${limits.join(", ")}.`;
  return `${[...lines, "", `${SUMMARY[readiness]}${carried}`].join("\n")}\n`;
}
