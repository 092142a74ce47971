// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { decodeBundle, type EvidenceBundle } from "@nsattest/protocol";
import { FakeNode } from "../../test/fakes/fake-node.ts";
import { newFakeKey } from "../../test/fakes/fake-tpm.ts";
import { BUSYBOX } from "../../test/fakes/verifier-bench.ts";
import { evidence } from "../src/evidence.ts";
import { CommandBench, type CommandRun } from "./command-bench.ts";

/** A file that no policy lists. */
export const BAD = { path: "/bin/bad", content: "bad" };

/** Two nodes with three rounds each and a bundle of both, and the verifier they come from. */
export class EvidenceBench {
  readonly commands: CommandBench;
  /** Everything is affirming. */
  readonly clean: FakeNode = new FakeNode();
  /** The last round brings a finding. It has a key of its own. */
  readonly tampered: FakeNode = new FakeNode(undefined, newFakeKey());

  private constructor(commands: CommandBench) {
    this.commands = commands;
  }

  static async start(): Promise<EvidenceBench> {
    const bench = new EvidenceBench(await CommandBench.start());
    await bench.#threeRounds(bench.clean, BUSYBOX);
    await bench.#threeRounds(bench.tampered, BAD);
    return bench;
  }

  stop(): Promise<void> {
    return this.commands.stop();
  }

  file(node: FakeNode): string {
    return this.commands.file(`${node.id}.cbor`);
  }

  bundle(node: FakeNode): EvidenceBundle {
    return decodeBundle(readFileSync(this.file(node)));
  }

  /** Everything that a careful person pins. */
  pins(node: FakeNode): string[] {
    const { policies } = this.bundle(node);
    return ["--ak", akOf(node), ...policies.flatMap(({ version }) => ["--policy", version])];
  }

  async #threeRounds(
    node: FakeNode,
    last: { readonly path: string; readonly content: string },
  ): Promise<void> {
    const { verifier } = this.commands;
    verifier.nodes.set(node.id, node);
    node.boot();
    await verifier.attest(node);
    const ns = node.open("web");
    for (const file of [BUSYBOX, last]) {
      node.run(ns, file);
      node.mark();
      await verifier.attest(node);
    }
    await this.commands.run(evidence, [node.id, "--output", this.file(node)]);
  }
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Digest of the node's attestation key. */
export function akOf(node: FakeNode): string {
  return `sha256:${sha256(node.registeredAk)}`;
}

/** The first history of `verify --json`. */
export function historyIn({ out }: CommandRun): Readonly<Record<string, unknown>> {
  const { histories } = JSON.parse(out) as { histories: Record<string, unknown>[] };
  return histories[0] ?? {};
}
