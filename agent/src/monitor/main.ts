// SPDX-License-Identifier: Apache-2.0

import { log } from "../log.ts";
import { HELP, parseMonitorArguments } from "./config.ts";
import { runMonitor } from "./run.ts";

async function main(): Promise<number> {
  let config: ReturnType<typeof parseMonitorArguments>;
  try {
    config = parseMonitorArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(
      `nsattest-monitor: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return 2;
  }
  if (config === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  try {
    await runMonitor(config, stop.signal);
    return 0;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "INTERNAL";
    log("error", "monitor ends", {
      code,
      error: error instanceof Error ? error.message : String(error),
    });
    return 1;
  }
}

// The device file keeps the event loop alive; the kernel closes it with us.
void main().then((code) => process.exit(code));
