// SPDX-License-Identifier: Apache-2.0

import { encodeEvidence } from "@nsattest/protocol";
import { EMPTY_STATE } from "../../verifier/src/pipeline.ts";
import { AK, appraiseAffirming } from "./appraisal.ts";
import { BenchNode, counted, dataOf, listRecord } from "./bench-node.ts";
import { chainLimit } from "./chain-limit.ts";
import { policiesFor, systemFiles } from "./files.ts";
import { alternate, nanoseconds } from "./measure.ts";
import type { Benchmark } from "./result.ts";

const ENTRIES = 100_000;
/** Lists that no run has seen before, so that nothing of them is remembered. */
const COLD_LISTS = 6;

/** A whole list of 100,000 entries, all of them allowed, through the verifier's whole way. */
export const replay: Benchmark = {
  name: "replay",
  says: `a list of ${ENTRIES} entries against the bare hashes of its chain`,
  async run(note) {
    const lists = Array.from({ length: COLD_LISTS + 1 }, (_, version) =>
      systemFiles(ENTRIES, version),
    );
    const policies = policiesFor(lists.flat(), [{ path: "/bin/true", digest: counted(0, 32) }]);
    const evidences = lists.map((files) => {
      const node = new BenchNode(AK);
      for (const file of files) node.measure(file);
      node.startLog();
      node.mark();
      return encodeEvidence(node.news(counted(1, 32)));
    });
    const [warm = new Uint8Array(), ...cold] = evidences;
    const data = (lists[0] ?? []).map((file) => dataOf(listRecord(file)));
    const appraise = (evidence: Uint8Array): number =>
      nanoseconds(() => void appraiseAffirming(EMPTY_STATE, evidence, policies));

    let next = 0;
    const [coldLimit = 0, coldCost = 0] = await alternate(
      [
        { name: "chain", run: () => chainLimit(data) },
        { name: "cold", run: () => appraise(cold[next++ % cold.length] ?? new Uint8Array()) },
      ],
      COLD_LISTS - 1,
    );
    const [limit = 0, cost = 0] = await alternate([
      { name: "chain", run: () => chainLimit(data) },
      { name: "warm", run: () => appraise(warm) },
    ]);
    note(`chain ${rate(limit)}, warm ${rate(cost)}, cold ${rate(coldCost)} entries a second`);
    const ratios = { cold: coldLimit / coldCost, warm: limit / cost };
    return [result("replay-cold", ratios.cold, 0.3), result("replay-warm", ratios.warm, 0.75)];
  },
};

function result(name: string, ratio: number, target: number) {
  return { name, ratio, target, direction: "min", fractionOfLimit: ratio } as const;
}

function rate(nanosecondsForAll: number): string {
  return `${Math.round((ENTRIES / nanosecondsForAll) * 1e6)}k`;
}
