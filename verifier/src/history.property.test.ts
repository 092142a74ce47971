// SPDX-License-Identifier: Apache-2.0

import { HOST, joinedNamespaces } from "@nsattest/ns-ima";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INIT, ON_HOST, RUNC } from "../../test/fakes/fake-node.ts";
import { BUSYBOX, policyDocuments, runtimePolicy, TOOL } from "../../test/fakes/verifier-bench.ts";
import { VerifierWorld, WORLD_SECONDS } from "../../test/fakes/verifier-world.ts";
import { appraiseHistory } from "./history.ts";
import { type PolicySet, parsePolicySet, restorePolicySet } from "./policy/policy-set.ts";
import { standingOf } from "./verdict/standing.ts";

const BAD = { path: "/bin/bad", content: "bad" };
const FILES = [BUSYBOX, TOOL, BAD, INIT, RUNC];
const NODE_POLICY = JSON.parse(policyDocuments().get("node-policy.json") ?? "{}") as object;

/** None at all, none for hosts, none for images, the usual ones, wider ones, and ones that mind violations less. */
const POLICIES: readonly PolicySet[] = [
  new Map<string, string>(),
  policyDocuments({ "node-policy.json": undefined }),
  policyDocuments({ "namespace-policies.json": undefined }),
  policyDocuments(),
  policyDocuments({ "busybox.json": runtimePolicy(FILES), "host.json": runtimePolicy(FILES) }),
  policyDocuments({
    "node-policy.json": { ...NODE_POLICY, violations: "count", programs: ["/sbin/init"] },
  }),
].map((files) => parsePolicySet(files));
const USUAL = POLICIES[3] as PolicySet;
type Step = (world: VerifierWorld) => unknown;

const who = fc.nat(3);
const file = fc.constantFrom(...FILES);

/** The host, or a container that is opened when it is first needed; the last one may act as the host. */
function namespaceOf({ node }: VerifierWorld, index: number): string {
  if (index === 0) return HOST;
  const known = [...node.tags.keys()].find((id) => id.startsWith(`c${index}/`));
  return known ?? node.open(`c${index}`, index === 3 ? { privileged: ["CAP_BPF"] } : {});
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>((world) => world.attest()) },
  { weight: 2, arbitrary: fc.constant<Step>(({ node }) => node.mark()) },
  {
    weight: 4,
    arbitrary: fc.tuple(who, file, fc.constantFrom(0, ON_HOST, 4)).map(
      ([index, what, flags]): Step =>
        (world) => {
          const ns = namespaceOf(world, index);
          world.node.run(ns, what, { flags: ns === HOST ? ON_HOST : flags });
        },
    ),
  },
  fc.tuple(who, file).map(
    ([index, what]): Step =>
      (world) =>
        world.node.execute(namespaceOf(world, index), what),
  ),
  // Nobody owns it; it may be claimed later.
  file.map(
    (what): Step =>
      ({ node }) =>
        void node.measure(what),
  ),
  fc.tuple(who, fc.boolean()).map(
    ([index, isListed]): Step =>
      (world) => {
        world.node.claim(namespaceOf(world, index), new Uint8Array(32));
        if (isListed) world.node.measure(BUSYBOX, { digest: null });
      },
  ),
  fc.tuple(who, fc.constantFrom("ring-overflow", "late-start", "recursion-miss")).map(
    ([index, reason]): Step =>
      (world) =>
        world.node.write({ kind: "gap", ns: namespaceOf(world, index), lost: 1, reason }),
  ),
  who.map(
    (index): Step =>
      (world) =>
        world.node.write({ kind: "resync", ns: namespaceOf(world, index), found: 1 }),
  ),
  fc.constantFrom(1, 61).map(
    (seconds): Step =>
      (world) =>
        world.advance(seconds),
  ),
  fc.constant<Step>(({ node }) => void node.append(BAD)),
  // Evidence that proves nothing, until the next boot.
  fc.constant<Step>(({ node }) => void node.list.splice(-1, 1)),
  fc.constant<Step>(({ node }) => node.boot()),
  fc.constant<Step>((world) => world.restart()),
  fc.constantFrom(...POLICIES).map(
    (policies): Step =>
      (world) =>
        world.restart(policies),
  ),
);

describe("a stored history", () => {
  it("gives the verdicts again that were stored, whatever happened in between", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = new VerifierWorld(USUAL);
        await world.attest();
        for (const each of [...steps, (end: VerifierWorld) => end.attest()]) {
          await each(world);
        }
        const { store, node } = world;
        const context = {
          node: node.id,
          akPublic: node.registeredAk,
          policiesOf: ({ policy }: { policy: string }) =>
            restorePolicySet(store.findPolicy(policy) ?? ""),
          pendingSeconds: WORLD_SECONDS,
        };
        let last = "";
        for (const { round, appraisal } of appraiseHistory(store.judgedRounds(node.id), context)) {
          expect(
            JSON.stringify(standingOf(appraisal.decisions, joinedNamespaces(appraisal.state.join))),
          ).toBe(round.standing);
          expect(appraisal.hasNews).toBe(true);
          last = round.standing;
        }
        // What is shown is in the history, unless the last evidence was refused.
        const { standing } = store.findNode(node.id) ?? {};
        if (standing?.includes('"accepted":true')) expect(standing).toBe(last);
        const before = world.verifier.report(node.id);
        world.restart();
        expect(world.verifier.report(node.id)).toEqual(before);
      }),
      { numRuns: 60 },
    );
  });
});
