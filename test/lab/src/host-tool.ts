// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { LabError } from "./error.ts";

/** How a program of the host is run. */
export interface HostToolOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its standard input; without it the input is empty. */
  readonly input?: Uint8Array;
}

/**
 * Runs a program of the host to its end and returns what it wrote to standard output.
 *
 * @throws LabError `LAB_TOOL_MISSING` when it is not installed, `LAB_TOOL_FAILED` when it ends with an error
 */
export function runHostTool(
  program: string,
  args: readonly string[],
  options: HostToolOptions = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Debian keeps depmod, mke2fs and their like out of an ordinary user's PATH.
    const path = `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`;
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, PATH: path, LC_ALL: "C", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.on("error", () => undefined); // it need not read to the end
    child.stdin.end(options.input);
    const output: Buffer[] = [];
    let complaint = "";
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString("utf8")).slice(-4000);
    });
    child.on("error", (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === "ENOENT";
      const message = missing
        ? `${program} is not installed on this machine`
        : `${program} did not start: ${cause.message}`;
      reject(new LabError(missing ? "LAB_TOOL_MISSING" : "LAB_TOOL_FAILED", message, { cause }));
    });
    child.on("close", (code, signal) => {
      const bytes = Buffer.concat(output);
      if (code === 0) return resolve(bytes);
      const words = (complaint === "" ? bytes.toString("utf8").slice(-4000) : complaint).trim();
      const how = signal ?? `exit code ${code}`;
      return reject(
        new LabError("LAB_TOOL_FAILED", `${program} ${args[0] ?? ""}: ${how}\n${words}`),
      );
    });
  });
}
