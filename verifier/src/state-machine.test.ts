// SPDX-License-Identifier: Apache-2.0

import {
  compileAllowlist,
  compileRuntimePolicy,
  HOST,
  type Keyring,
  parseRuntimePolicy,
} from "@nsattest/ns-ima";
import { encodeEvidence } from "@nsattest/protocol";
import { describe, expect, it } from "vitest";
import { flipBit, IMA_POLICY, INIT, MONITOR, ON_HOST } from "../../test/fakes/fake-node.ts";
import { BUSYBOX, policyDocuments, runtimePolicy } from "../../test/fakes/verifier-bench.ts";
import { VerifierWorld, WORLD_SECONDS } from "../../test/fakes/verifier-world.ts";
import { read } from "../../test/repo/source-tree.ts";
import { compileLinearPatterns } from "./policy/linear-pattern.ts";
import { type PolicySet, parsePolicySet } from "./policy/policy-set.ts";

/** The rows with `columns` columns of the tables of the document below a heading, less heads and rules. */
function rowsBelow(heading: string, columns: number): readonly (readonly string[])[] {
  const [, after = ""] = read("docs/state-machine.md").split(`## ${heading}\n`);
  const [section = ""] = after.split(/^## /m);
  return [...section.matchAll(/^\| (.*) \|$/gm)]
    .map(([, line = ""]) => line.split(" | ").map((cell) => cell.trim().replaceAll("`", "")))
    .filter((row) => row.length === columns && !/^-|^(?:of|from|state)$/.test(row[0] ?? ""));
}

type Action = (world: VerifierWorld) => unknown;

const OTHER_BOOT = "11111111-2222-4333-8444-555555555555";
const KEYRING: Keyring = { judge: ([, second]) => (second === 1 ? "valid" : "invalid") };
const LISTED = compileAllowlist(
  parseRuntimePolicy(JSON.stringify(runtimePolicy([BUSYBOX]))),
  compileLinearPatterns,
);
const PLAIN = parsePolicySet(policyDocuments());
const SIGNED: PolicySet = {
  ...PLAIN,
  version: "signed",
  images: new Map(
    [...PLAIN.images].map(([image, policy]) => [
      image,
      {
        ...policy,
        executions: compileRuntimePolicy(LISTED, { keyring: KEYRING }),
      },
    ]),
  ),
};
const HOST_LESS = parsePolicySet(policyDocuments({ "node-policy.json": undefined }));
const IMAGE_LESS = parsePolicySet(policyDocuments({ "namespace-policies.json": undefined }));

function challenge(bootId: (world: VerifierWorld) => string): Action {
  return (world) => world.verifier.challenge(world.node.id, { bootId: bootId(world) });
}

describe("a node", () => {
  const known = challenge(({ node }) => node.bootId);
  const EVENTS: Readonly<Record<string, Action>> = {
    "good evidence": (world) => world.attest(),
    "evidence of a new boot": (world) => {
      world.node.boot();
      return world.attest();
    },
    "evidence without proof": async (world) => {
      const { node, verifier } = world;
      const asked = await verifier.challenge(node.id, { bootId: node.bootId });
      const evidence = node.evidence(asked);
      const pcrs = evidence.pcrs.map((pcr) => ({ ...pcr, value: flipBit(pcr.value, 0) }));
      verifier.receive(node.id, encodeEvidence({ ...evidence, pcrs }));
    },
    "challenge, another boot": challenge(() => OTHER_BOOT),
    "challenge, the known boot": known,
    // The node is in touch all the while.
    "the verdicts' end": async (world) => {
      world.advance(WORLD_SECONDS);
      await known(world);
      world.advance(1);
    },
    silence: (world) => world.advance(2 * WORLD_SECONDS + 1),
    "restart of the verifier": (world) => world.restart(),
  };
  const ROADS: Readonly<Record<string, readonly string[]>> = {
    "never-attested": ["challenge, the known boot"],
    attested: ["good evidence"],
    refused: ["good evidence", "evidence without proof"],
    rebooted: ["good evidence", "challenge, another boot"],
    stale: ["good evidence", "the verdicts' end"],
    unreachable: ["good evidence", "silence"],
  };
  const rows = rowsBelow("A node", 3);
  const table = rows.filter(([, , to = ""]) => to in ROADS);
  const codes = new Map(
    rows.filter((row) => !table.includes(row)).map(([state, code]) => [state, code]),
  );

  async function follow(events: readonly string[]): Promise<VerifierWorld> {
    const world = new VerifierWorld(PLAIN);
    for (const event of events) await EVENTS[event]?.(world);
    return world;
  }

  it("has each of its states and events in the tables", () => {
    expect([...codes.keys()]).toEqual(Object.keys(ROADS));
    expect(new Set(table.map(([from]) => from))).toEqual(new Set(Object.keys(ROADS)));
    expect(new Set(table.map(([, , to]) => to))).toEqual(new Set(Object.keys(ROADS)));
    expect(new Set(table.map(([, event]) => event))).toEqual(new Set(Object.keys(EVENTS)));
  });

  it.each(table)("that is %s is, after %s, %s", async (from = "", event = "", to = "") => {
    const world = await follow([...(ROADS[from] ?? []), event]);
    const { node } = world.verifier.report(world.node.id);
    expect(node.condition).toBe(to);
    const shown = node.host.reasons.map(({ code }) => code);
    if (to === "attested") expect(node.host.tier).toBe("affirming");
    else {
      expect(node.host.tier).toBe("none");
      expect(shown).toEqual([to === "refused" ? "QUOTE_PCR_DIGEST" : codes.get(to)]);
    }
    expect(world.verifier.summaries()).toMatchObject([{ condition: to, host: node.host.tier }]);
  });
});

describe("a host or namespace", () => {
  const FILE = { path: "/bin/signed", content: "signed" };
  const web = ({ node }: VerifierWorld): string =>
    [...node.tags.keys()].findLast((id) => id.startsWith("web/")) ?? node.open("web");
  const open: Action = ({ node }) => node.run(node.open("web"), BUSYBOX);
  const reboot =
    (...files: readonly { path: string; content: string }[]): Action =>
    (world) => {
      world.node.boot({}, files);
      open(world);
    };
  const gap =
    (reason: "late-start" | "ring-overflow", of: (world: VerifierWorld) => string = web): Action =>
    (world) =>
      world.node.write({ kind: "gap", ns: of(world), lost: 1, reason });
  const resync =
    (of: (world: VerifierWorld) => string = web): Action =>
    (world) =>
      world.node.write({ kind: "resync", ns: of(world), found: 1 });
  const signature =
    (...bytes: readonly number[]): Action =>
    (world) => {
      const entry = world.node.measure(FILE, { signature: new Uint8Array(bytes) });
      world.node.claim(web(world), entry);
    };
  const AGGREGATE = { path: "boot_aggregate", content: "PCRs 0 to 9" };
  const BAD = { path: "/bin/bad", content: "bad" };
  const mark: Action = ({ node }) => node.mark();
  /** Every event but those that leave out the mark ends with one. */
  const UNMARKED = ["nothing new", "an entry without a mark for long"];
  const EVENTS: Readonly<Record<string, Action>> = {
    "nothing new": () => undefined,
    "a loss": gap("ring-overflow"),
    "a late start": gap("late-start"),
    "a loss of the host": gap("ring-overflow", () => HOST),
    "a resync": resync(),
    "a resync of the host": resync(() => HOST),
    "a new container": open,
    "a reboot": reboot(AGGREGATE, IMA_POLICY, INIT, MONITOR),
    "a reboot by kexec": reboot(AGGREGATE, INIT, AGGREGATE, IMA_POLICY, MONITOR),
    "a reboot without the programs": reboot(AGGREGATE, IMA_POLICY, INIT),
    "a reboot without an aggregate": reboot(IMA_POLICY, INIT, MONITOR),
    "the host reads the programs": ({ node }) => node.claim(HOST, node.measure(MONITOR)),
    "an entry without a mark for long": async (world) => {
      world.node.claim(HOST, world.node.measure(INIT), ON_HOST);
      world.node.anchor();
      await world.attest();
      world.advance(WORLD_SECONDS + 1);
    },
    "a mark": () => undefined,
    "a policy less for hosts": (world) => world.restart(HOST_LESS),
    "a policy less for images": (world) => world.restart(IMAGE_LESS),
    "the policies again": (world) => world.restart(PLAIN),
    "a listed file": (world) => world.node.run(web(world), BUSYBOX),
    "an unlisted file": (world) => world.node.run(web(world), BAD),
    "a file of the host that is unlisted": ({ node }) => node.run(HOST, BAD),
    "a file that may be signed": (world) => {
      world.restart(SIGNED);
      mark(world);
      // Its list entry is from before: it has no signature.
      world.node.execute(web(world), FILE);
    },
    "its signature": signature(3, 1),
    "a signature that is none": signature(3, 2),
    "a violation": (world) => {
      world.node.measure(BUSYBOX, { digest: null });
      world.node.claim(web(world), new Uint8Array(32));
    },
  };
  /** How a state is reached from an affirming host with an affirming container, unless the road says otherwise. */
  const ROADS: Readonly<Record<string, readonly string[]>> = {
    "host affirming": [],
    "host GAP": ["a loss of the host"],
    "host LOG_STALLED": ["an entry without a mark for long"],
    "host POLICY_MISSING": ["a policy less for hosts"],
    "host NOT_IN_ALLOWLIST": ["a file of the host that is unlisted"],
    "host KEXEC_LIST": ["a reboot by kexec"],
    "host PROGRAMS_UNMEASURED": ["a reboot without the programs"],
    "host BOOT_AGGREGATE": ["a reboot without an aggregate"],
    "namespace affirming": [],
    "namespace NO_EXECUTIONS": [],
    "namespace NOT_IN_ALLOWLIST": ["an unlisted file"],
    "namespace GAP": ["a loss"],
    "namespace GAP_RESYNCED": ["a loss", "a resync"],
    "namespace UNMEASURED": ["a late start"],
    "namespace POLICY_MISSING": ["a policy less for images"],
    "namespace SIGNATURE_PENDING": ["a file that may be signed"],
    "namespace HOST_UNPROVEN": ["an entry without a mark for long"],
  };
  const table = rowsBelow("The host and the namespaces", 4);

  async function stateOf(world: VerifierWorld, of: string): Promise<string> {
    expect(await world.attest()).toMatchObject({ accepted: true });
    const { node, namespaces } = world.verifier.report(world.node.id);
    const verdict = of === "host" ? node.host : namespaces.at(-1)?.verdict;
    return verdict?.reasons[0]?.code ?? verdict?.tier ?? "";
  }

  it("has each of its events in the table, and a road to each state it leaves", () => {
    expect(new Set(table.map(([, , event]) => event))).toEqual(new Set(Object.keys(EVENTS)));
    expect(new Set(table.map(([of, from]) => `${of} ${from}`))).toEqual(
      new Set(Object.keys(ROADS)),
    );
  });

  it.each(table)(
    "(a %s) that is %s is, after %s, %s",
    async (of = "", from = "", event = "", to = "") => {
      const world = new VerifierWorld(PLAIN);
      if (from === "NO_EXECUTIONS") world.node.open("web");
      else open(world);
      mark(world);
      await world.attest();
      for (const [index, step] of [...(ROADS[`${of} ${from}`] ?? []), event].entries()) {
        if (index === ROADS[`${of} ${from}`]?.length) expect(await stateOf(world, of)).toBe(from);
        await EVENTS[step]?.(world);
        if (!UNMARKED.includes(step)) mark(world);
      }
      expect(await stateOf(world, of)).toBe(to);
      // A restart of the verifier is no event.
      world.restart();
    },
  );
});
