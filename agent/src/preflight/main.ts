// SPDX-License-Identifier: Apache-2.0

import { preflight } from "./command.ts";

void preflight(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((code) => {
  process.exitCode = code;
});
