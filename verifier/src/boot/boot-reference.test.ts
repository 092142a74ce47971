// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bootPolicy, COMMAND_LINE } from "../../../test/fakes/fake-boot.ts";
import { type BootReferences, commandLineDigest, readBootReferences } from "./boot-reference.ts";

const NODE = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
const DIGEST = `sha256:${"0".repeat(64)}`;
const EVENT = { pcr: 4, type: "EV_SEPARATOR", digests: [DIGEST] };

function read(policy: object): { references: BootReferences; problems: string[] } {
  const problems: string[] = [];
  const references = readBootReferences(JSON.stringify(policy), "sha256", problems);
  return { references, problems };
}

function withEvent(change: object): object {
  return { references: [{ name: "x", events: [EVENT, { ...EVENT, ...change }] }] };
}

describe("readBootReferences", () => {
  it("reads one for all nodes, with the digests of its command lines", () => {
    const { references, problems } = read(bootPolicy());
    expect(problems).toEqual([]);
    expect(references.nodes.size).toBe(0);
    expect([...(references.others?.commandLines ?? [])]).toEqual([
      [commandLineDigest("sha256", COMMAND_LINE), COMMAND_LINE],
    ]);
    expect(references.others?.events).toHaveLength(5);
  });

  it("reads those of single nodes, several with one, and none for the others", () => {
    const nodes = [NODE, "a".repeat(64)];
    const { references, problems } = read(bootPolicy({ nodes }));
    expect(problems).toEqual([]);
    expect([...references.nodes.keys()]).toEqual(nodes);
    expect(references.others).toBeNull();
  });

  it("takes an event without a name, of a type without one, that may be missing", () => {
    const change = { type: "0x12345", optional: true };
    const { references, problems } = read(withEvent(change));
    expect(problems).toEqual([]);
    expect(references.others?.events[1]).toEqual({
      ...{ pcr: 4, type: "0x12345", what: "", optional: true },
      digests: new Set([DIGEST]),
    });
  });

  it.each<[string, object, string]>([
    ["no list", {}, "references must be an array"],
    ["a name that is missing", { references: [{ events: [EVENT] }] }, "name must be"],
    ["an unknown field", { references: [], x: 1 }, "x is unknown"],
    ["an unknown field of a reference", bootPolicy({ x: 1 }), "x is unknown"],
    ["an id that is none", bootPolicy({ nodes: ["web"] }), "must be the id of a node"],
    ["a node twice", bootPolicy({ nodes: [NODE, NODE] }), "names"],
    ["no event", bootPolicy({ events: [] }), "must name one at least that may not be missing"],
    [
      "only events that may be missing",
      bootPolicy({ events: [{ ...EVENT, optional: true }] }),
      "must name one at least that may not be missing",
    ],
    ["a PCR of others", withEvent({ pcr: 10 }), "is not extended by what boots"],
    ["a PCR that is none", withEvent({ pcr: 15 }), "must be an integer from 0 to 14"],
    ["a type that is none", withEvent({ type: "separator" }), "must be the name of a type"],
    ["a name that cannot be printed", withEvent({ what: "\u001b[31m" }), "must be printable"],
    [
      "a digest of another bank",
      withEvent({ digests: [`sha1:${"0".repeat(40)}`] }),
      "sha256:<hex>",
    ],
    ["no digest", withEvent({ digests: [] }), "must name one at least"],
    ["a command line of another type", withEvent({ commandLines: ["x"] }), "EV_EVENT_TAG"],
    ["a word for yes", withEvent({ optional: "yes" }), "must be true or false"],
    ["an unknown field of an event", withEvent({ digest: DIGEST }), "digest is unknown"],
  ])("refuses %s", (_, policy, problem) => {
    expect(read(policy).problems.join("; ")).toContain(problem);
  });

  it("refuses two for all other nodes", () => {
    const { references } = bootPolicy() as { references: object[] };
    const { problems } = read({ references: [...references, ...references] });
    expect(problems.join()).toContain("nodes must be there");
  });
});

it("knows what a real kernel extends for its command line", () => {
  const file = new URL("../../../tpm/test/vectors/event-log/ovmf-6.1.json", import.meta.url);
  const { about, eventLog } = JSON.parse(readFileSync(file, "utf8")) as {
    about: { commandLine: string };
    eventLog: string;
  };
  const [, digest = ""] = commandLineDigest("sha256", about.commandLine).split(":");
  expect(Buffer.from(eventLog, "base64").includes(Buffer.from(digest, "hex"))).toBe(true);
});
