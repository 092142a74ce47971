// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchOptions, VerifierBench } from "../../test/fakes/verifier-bench.ts";
import type { Surroundings } from "../src/surroundings.ts";

export interface CommandRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly bytes: Uint8Array;
}

type Command = (args: readonly string[], surroundings: Surroundings) => Promise<number>;

/** A real verifier behind mutual TLS, an operator's access to it, and a folder for what commands write. */
export class CommandBench {
  readonly verifier: VerifierBench;
  readonly folder: string;

  private constructor(verifier: VerifierBench) {
    this.verifier = verifier;
    this.folder = mkdtempSync(join(tmpdir(), "nsattest-command-"));
  }

  static async start(options: BenchOptions = {}): Promise<CommandBench> {
    return new CommandBench(await VerifierBench.start(options));
  }

  async stop(): Promise<void> {
    await this.verifier.stop();
    rmSync(this.folder, { recursive: true });
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file of the folder; returns its path. */
  write(name: string, content: string | Uint8Array): string {
    writeFileSync(this.file(name), content);
    return this.file(name);
  }

  /** Runs a command as an operator would; at a terminal it cannot write bytes. */
  async run(
    command: Command,
    args: readonly string[],
    { terminal = false }: { readonly terminal?: boolean } = {},
  ): Promise<CommandRun> {
    const written = { out: "", err: "", bytes: new Uint8Array() as Uint8Array };
    const code = await command(args, {
      out: (text) => {
        written.out += text;
      },
      err: (text) => {
        written.err += text;
      },
      outBytes: terminal
        ? null
        : (bytes) => {
            written.bytes = bytes;
          },
      env: { NSATTEST_ACCESS: this.#access() },
      signal: new AbortController().signal,
    });
    return { code, ...written };
  }

  #access(): string {
    const { host, port } = this.verifier.address;
    const { cert, key } = this.verifier.serviceIdentity("operator");
    this.write("ca.crt", this.verifier.ca);
    this.write("operator.crt", cert);
    this.write("operator.key", key);
    const files = { caFile: "ca.crt", certificateFile: "operator.crt", keyFile: "operator.key" };
    return this.write("access.json", JSON.stringify({ url: `https://${host}:${port}`, ...files }));
  }
}
