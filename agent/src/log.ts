// SPDX-License-Identifier: Apache-2.0

/** Writes one JSON line to standard error: a constant message, what varies in fields. Never give it a secret. */
export function log(
  level: "info" | "warn" | "error",
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  process.stderr.write(
    `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`,
  );
}
