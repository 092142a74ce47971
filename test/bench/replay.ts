// SPDX-License-Identifier: Apache-2.0

import { encodeEvidence } from "@nsattest/protocol";
import type { PolicySet } from "@nsattest/verifier";
import { EMPTY_STATE } from "../../verifier/src/pipeline.ts";
import { AK, appraiseAffirming } from "./appraisal.ts";
import { type BenchFile, BenchNode, counted, dataOf, listRecord } from "./bench-node.ts";
import { chainLimit } from "./chain-limit.ts";
import { named, policiesFor, systemFiles } from "./files.ts";
import { alternate, nanoseconds } from "./measure.ts";
import type { Benchmark } from "./result.ts";
import { isSigned, signEvery } from "./signed-files.ts";

const ENTRIES = 100_000;
/** Lists that no run has seen before, so that nothing of them is remembered. */
const COLD_LISTS = 6;

/** Every so many entries is a signed one in the list with signatures. */
const SIGNED_EVERY = 10;

/** A whole list of 100,000 entries, all of them allowed, through the verifier's whole way. */
export const replay: Benchmark = {
  name: "replay",
  says: `a list of ${ENTRIES} entries against the bare hashes of its chain, new, known, and with signatures`,
  async run(note) {
    const lists = Array.from({ length: COLD_LISTS + 1 }, (_, version) =>
      systemFiles(ENTRIES, version),
    );
    const [plain = []] = lists;
    const { files: signed, keyring } = signEvery(SIGNED_EVERY, plain);
    // What is signed is not listed: only its signature allows it.
    const unsigned = plain.filter((_, index) => !isSigned(index, SIGNED_EVERY));
    const policies = policiesFor(lists.flat(), [named("/bin/true", "true")]);
    const signedPolicies = policiesFor(unsigned, [named("/bin/true", "true")], keyring);

    const [warm = new Uint8Array(), ...cold] = lists.map(evidenceOf);
    const withSignatures = evidenceOf(signed);
    const data = plain.map((file) => dataOf(listRecord(file)));
    const signedData = signed.map((file) => dataOf(listRecord(file)));
    const appraise = (evidence: Uint8Array, by: PolicySet = policies): number =>
      nanoseconds(() => void appraiseAffirming(EMPTY_STATE, evidence, by));

    let next = 0;
    const [coldLimit = 0, coldCost = 0] = await alternate(
      [
        { name: "chain", run: () => chainLimit(data) },
        { name: "cold", run: () => appraise(cold[next++ % cold.length] ?? new Uint8Array()) },
      ],
      COLD_LISTS - 1,
    );
    const [limit = 0, cost = 0, signedLimit = 0, signedCost = 0] = await alternate([
      { name: "chain", run: () => chainLimit(data) },
      { name: "warm", run: () => appraise(warm) },
      { name: "chain of signed", run: () => chainLimit(signedData) },
      { name: "signed", run: () => appraise(withSignatures, signedPolicies) },
    ]);
    note(
      `chain ${rate(limit)}, known ${rate(cost)}, new ${rate(coldCost)}, signed ${rate(signedCost)} entries a second`,
    );
    return [
      result("replay-cold", coldLimit / coldCost, 0.3),
      result("replay-warm", limit / cost, 0.75),
      {
        ...result("replay-signed", cost / signedCost, 0.9),
        fractionOfLimit: signedLimit / signedCost,
      },
    ];
  },
};

function evidenceOf(files: readonly BenchFile[]): Uint8Array {
  const node = new BenchNode(AK);
  for (const file of files) node.measure(file);
  node.startLog();
  node.mark();
  return encodeEvidence(node.news(counted(1, 32)));
}

function result(name: string, ratio: number, target: number) {
  return { name, ratio, target, direction: "min", fractionOfLimit: ratio } as const;
}

function rate(nanosecondsForAll: number): string {
  return `${Math.round((ENTRIES / nanosecondsForAll) * 1e6)}k`;
}
