// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { log } from "../log.ts";
import { parseAttesterConfig } from "./config.ts";
import { runAttester } from "./run.ts";

const HELP = `nsattest-agent: enrols this node and carries its evidence to the verifier

Usage: nsattest-agent [--config FILE]

  --config FILE   JSON with registrar, verifier, caFile, stateFolder, monitorSocket and, for a TPM that nobody vouches for,
                  joinTokenFile (default: /etc/nsattest/agent.json)
  --help          this text

Needs no capability. Exit code: 0 ended by SIGTERM, 1 a failure, 2 wrong usage or configuration.
`;

async function main(): Promise<number> {
  let config: ReturnType<typeof parseAttesterConfig>;
  try {
    const { values } = parseArgs({
      options: {
        config: { type: "string", default: "/etc/nsattest/agent.json" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    config = parseAttesterConfig(readFileSync(values.config, "utf8"));
  } catch (error) {
    process.stderr.write(
      `nsattest-agent: ${error instanceof Error ? error.message : String(error)}; see --help\n`,
    );
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  try {
    await runAttester(config, stop.signal);
    return 0;
  } catch (error) {
    log("error", "agent ends", { error: String(error) });
    return 1;
  }
}

void main().then((code) => process.exit(code));
