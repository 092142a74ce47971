// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import {
  findArtefacts,
  type KernelSeries,
  runScenario,
  SCENARIO_PROGRAMS,
  Testbed,
} from "@nsattest/lab";
import { readAccess } from "../access.ts";
import { CliError, EXIT } from "../error.ts";
import { renderReport } from "../report/text.ts";
import type { Surroundings } from "../surroundings.ts";
import { createVerifierClient } from "../verifier-client.ts";
import { unexpected } from "./expected.ts";
import { firstNode, settledReport } from "./settled.ts";

export const DEMO_HELP: string = `nsattest demo: a node in a virtual machine, five containers on it, and which of them ran what it should not have

Usage: nsattest demo [--once] [--json] [--kernel 6.1|6.12]

Boots a stock Debian kernel with IMA and a TPM in QEMU, starts registrar and verifier beside it, runs the containers and shows
the verdicts. Then it stays up with the verifier's API until Ctrl-C.

  --once            end after the verdicts
  --json            the node's report as one JSON object instead of a table
  --kernel SERIES   Debian's kernel of that series (default: 6.1)

Exit code: 0 the verdicts are what the demo shows, 1 they are not or something failed, 2 wrong usage.
`;

/** Runs `nsattest demo` from the project's folder `root`. @throws CliError, LabError */
export async function demo(
  args: readonly string[],
  surroundings: Surroundings,
  root: string,
): Promise<number> {
  const options = parse(args);
  const { out, err, signal } = surroundings;
  if (options.help) {
    out(DEMO_HELP);
    return EXIT.ok;
  }
  const started = process.hrtime.bigint();
  const log = (line: string): void => {
    const seconds = Number((process.hrtime.bigint() - started) / 1_000_000_000n);
    if (!line.includes("{")) err(`[${String(seconds).padStart(3)} s] ${line}\n`);
  };
  const testbed = await Testbed.start({
    artefacts: findArtefacts(root),
    kernel: options.kernel,
    cacheDir: join(root, ".cache/lab"),
    programs: SCENARIO_PROGRAMS,
    measuredBoot: true,
    intervalSeconds: 1,
    log,
  });
  try {
    const accessFile = writeAccess(testbed, root);
    const verifier = createVerifierClient(readAccess(accessFile));
    log("waiting for the node to enrol");
    const id = await firstNode(verifier, signal);
    await runScenario(testbed, log);
    log("waiting for the verdicts");
    const report = await settledReport(verifier, id, signal);
    out(options.json ? `${JSON.stringify(report)}\n` : `\n${renderReport(report)}`);
    const problems = unexpected(report);
    for (const problem of problems) err(`unexpected: ${problem}\n`);
    if (!options.once) await stayUp(accessFile, surroundings);
    return problems.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    log("stopping");
    await testbed.stop();
  }
}

async function stayUp(accessFile: string, { err, signal }: Surroundings): Promise<void> {
  const access = relative(process.cwd(), accessFile);
  const commands = ["status", "why tampered"].map(
    (command) => `  node dist/bin/nsattest.mjs ${command} --access ${access}\n`,
  );
  err(`\nThe node goes on. Ask the verifier with:\n${commands.join("")}Ctrl-C ends everything.\n`);
  if (signal.aborted) return;
  await new Promise<void>((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}

/** Writes down how to reach the demo's verifier, so that `nsattest status` can. */
function writeAccess({ services }: Testbed, root: string): string {
  const folder = join(root, ".cache/demo");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "access.json");
  writeFileSync(file, `${JSON.stringify(services.operatorAccess(), null, 2)}\n`, { mode: 0o600 });
  return file;
}

function parse(args: readonly string[]): {
  once: boolean;
  json: boolean;
  help: boolean;
  kernel: KernelSeries;
} {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        once: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        kernel: { type: "string", default: "6.1" },
      },
    });
    const { kernel } = values;
    if (kernel !== "6.1" && kernel !== "6.12")
      throw new Error(`--kernel ${kernel} is neither 6.1 nor 6.12`);
    return { ...values, kernel };
  } catch (cause) {
    throw new CliError(
      "USAGE",
      `${cause instanceof Error ? cause.message : String(cause)}; see nsattest demo --help`,
      { cause },
    );
  }
}
