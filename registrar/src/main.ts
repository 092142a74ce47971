// SPDX-License-Identifier: Apache-2.0

import { userInfo } from "node:os";
import { runCommandLine } from "./command-line.ts";

// What is made here, the database too, is the registrar's own.
process.umask(0o077);

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  now: () => new Date(),
  actor: userInfo().username,
  onReload: (reload) => process.on("SIGHUP", () => void reload()),
  signal: stop.signal,
});
