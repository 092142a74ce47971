// SPDX-License-Identifier: Apache-2.0

import { constants, createPublicKey, verify } from "node:crypto";
import { HOST } from "@nsattest/ns-ima";
import { encodeEvidence } from "@nsattest/protocol";
import { parseSignature } from "@nsattest/tpm";
import type { PolicySet } from "@nsattest/verifier";
import { EMPTY_STATE, type NodeState } from "../../verifier/src/pipeline.ts";
import { AK, appraiseAffirming } from "./appraisal.ts";
import type { BenchFile } from "./bench-node.ts";
import { BenchNode, counted } from "./bench-node.ts";
import { IMAGE, named, policiesFor, systemFiles } from "./files.ts";
import { alternate, nanoseconds } from "./measure.ts";
import type { Benchmark } from "./result.ts";

const POLICY_PATHS = 100_000;
const NAMESPACES = 20;
const NEW_ENTRIES = 5;
/** Evidences in one measured run: one alone is too short to be measured on a busy machine. */
const ROUNDS = 40;
const LIST_LENGTHS = [1_000, 10_000, 100_000, 1_000_000] as const;
/** Entries of one evidence while a list is built: a batch of the log has at most 100,000 records. */
const CHUNK = 50_000;

const IMAGE_FILES = Array.from({ length: POLICY_PATHS }, (_, index) =>
  named(`/usr/bin/program-${index}`, `program ${index}`),
);

/** A node that goes on: each round five files of its image run in its containers for the first time. */
class GoingOn {
  state: NodeState = EMPTY_STATE;
  readonly #node = new BenchNode(AK);
  readonly #namespaces: string[];
  readonly #policies: PolicySet;
  #next = 0;
  #nonce = 0;

  constructor(host: readonly BenchFile[], policies: PolicySet) {
    this.#policies = policies;
    for (const file of host.slice(0, CHUNK)) this.#node.measure(file);
    this.#node.startLog();
    this.#namespaces = Array.from({ length: NAMESPACES }, (_, index) =>
      this.#node.open(`web-${index}`, IMAGE),
    );
    const [first = named("", "")] = IMAGE_FILES;
    this.#node.run(this.#namespaces[0] ?? "", first);
    for (const ns of this.#namespaces.slice(1)) this.#node.execute(ns, first);
    this.appraise(this.evidence());
    for (let start = CHUNK; start < host.length; start += CHUNK) {
      // The host goes on measuring files of its own.
      for (const file of host.slice(start, start + CHUNK)) this.#node.cause(HOST, file);
      this.appraise(this.evidence());
    }
  }

  /** What a round of the node sends. */
  round(): Uint8Array {
    for (let n = 0; n < NEW_ENTRIES; n++) {
      const file = IMAGE_FILES[++this.#next % IMAGE_FILES.length];
      const ns = this.#namespaces[this.#next % NAMESPACES];
      if (file && ns) this.#node.run(ns, file);
    }
    return this.evidence();
  }

  evidence(): Uint8Array {
    this.#node.mark();
    return encodeEvidence(this.#node.news(counted(++this.#nonce, 32)));
  }

  appraise(evidence: Uint8Array): void {
    this.state = appraiseAffirming(this.state, evidence, this.#policies);
  }

  /** Nanoseconds for the appraisal of one evidence; making it is not counted. */
  measure(): number {
    const evidences = Array.from({ length: ROUNDS }, () => this.round());
    return (
      nanoseconds(() => {
        for (const evidence of evidences) this.appraise(evidence);
      }) / ROUNDS
    );
  }
}

/** One more evidence of a node that is known, and how its cost depends on what the node had before. */
export const incremental: Benchmark = {
  name: "incremental",
  says: `quote, ${NEW_ENTRIES} new entries of ${NAMESPACES} containers under a policy of ${POLICY_PATHS} paths, against the bare signature`,
  async run(note) {
    const host = systemFiles(LIST_LENGTHS.at(-1) ?? 0);
    const policies = policiesFor(host, IMAGE_FILES);
    const nodes = LIST_LENGTHS.map((length) => new GoingOn(host.slice(0, length), policies));
    const [bare = 0, ...costs] = await alternate([
      { name: "signature", run: bareSignature },
      ...nodes.map((node, index) => ({
        name: String(LIST_LENGTHS[index]),
        run: () => node.measure(),
      })),
    ]);
    const [short = 0] = costs;
    const long = costs.at(-1) ?? 0;
    note(`signature ${micros(bare)} us`);
    for (const [index, cost] of costs.entries()) {
      note(`list of ${LIST_LENGTHS[index]} entries: ${micros(cost)} us an evidence`);
    }
    return [
      {
        name: "incremental",
        ratio: short / bare,
        target: 3,
        direction: "max",
        fractionOfLimit: bare / short,
      },
      {
        name: "list-1M-increment",
        ratio: long / short,
        target: 1.25,
        direction: "max",
        fractionOfLimit: bare / long,
      },
    ];
  },
};

const SIGNED = counted(3, 129);

/** Nanoseconds for the check of an RSA signature with a key that is ready. */
function bareSignature(): number {
  const quote = new BenchNode(AK).tpm.quote(SIGNED.subarray(0, 32), [
    { bank: "sha256", pcrs: [10, 13] },
  ]);
  const parsed = parseSignature(quote.signature);
  const value = parsed.scheme === "rsassa" ? parsed.value : new Uint8Array();
  const rsa = { key: createPublicKey(AK.key), padding: constants.RSA_PKCS1_PADDING };
  const times = 10 * ROUNDS;
  return (
    nanoseconds(() => {
      for (let n = 0; n < times; n++) {
        if (!verify("sha256", quote.attest, rsa, value))
          throw new Error("the signature is not good");
      }
    }) / times
  );
}

function micros(ns: number): string {
  return (ns / 1000).toFixed(1);
}
