// SPDX-License-Identifier: Apache-2.0

import type { NodeReport } from "@nsattest/protocol";
import { describe, expect, it } from "vitest";
import { namespaceOf, reportOf, verdictOf } from "../test/sample-report.ts";
import { chooseNamespace } from "./namespace-choice.ts";

const affirming = verdictOf("affirming");
const [CONTAINER_A, CONTAINER_B] = ["a1b2c3d4e5f6".repeat(5), "a1b2c3ffffff".repeat(5)];

function container(name: string, id: string, state: "open" | "closed" = "open") {
  return { ...namespaceOf(name, affirming), id, state };
}

function node(id: string, ...namespaces: NodeReport["namespaces"]): NodeReport {
  const report = reportOf(affirming, namespaces);
  return { ...report, node: { ...report.node, id } };
}

const reports = [
  node("n1", container("web", `${CONTAINER_A}/1`), container("db", `${CONTAINER_B}/2`)),
  node("n2", container("web", "old/1", "closed"), container("queue", "old/2", "closed")),
];

describe("a namespace is chosen", () => {
  it.each([
    [`${CONTAINER_A}/1`, "n1", `${CONTAINER_A}/1`],
    ["web", "n1", `${CONTAINER_A}/1`],
    ["queue", "n2", "old/2"],
    [CONTAINER_B, "n1", `${CONTAINER_B}/2`],
    ["a1b2c3f", "n1", `${CONTAINER_B}/2`],
  ])("by %s", (text, onNode, id) => {
    expect(chooseNamespace(text, reports)).toEqual({ node: onNode, id });
  });

  it("by a name rather than by the beginning of an id", () => {
    const named = node("n3", container("a1b2c3d4", "x/1"));
    expect(chooseNamespace("a1b2c3d4", [...reports, named])).toEqual({ node: "n3", id: "x/1" });
  });
});

describe("is not chosen", () => {
  const refused = (code: string, text: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(text) });

  it.each([
    ["a1b2c3", "2 namespaces are called a1b2c3; name one of the ids: "],
    ["old", "name one of the ids: old/1 (web) on n2, old/2 (queue) on n2"],
    ["host", "add --node ID: host on n1, host on n2"],
  ])("%s, which several are called", (text, message) => {
    expect(() => chooseNamespace(text, reports)).toThrow(refused("NAMESPACE_AMBIGUOUS", message));
  });

  it.each([
    ["wbe", "did you mean "],
    ["queues", "did you mean old/2 (queue) on n2"],
    ["a1b2c", "did you mean "],
    ["", "there is host on n1"],
    ["something else", "there is host on n1"],
  ])("%j, which nothing is called", (text, message) => {
    expect(() => chooseNamespace(text, reports)).toThrow(refused("NAMESPACE_UNKNOWN", message));
  });

  it("anything where there is nothing, and the list of what there is ends", () => {
    expect(() => chooseNamespace("x", [])).toThrow(refused("NAMESPACE_UNKNOWN", "no node"));
    const many = Array.from({ length: 30 }, (_, index) => container(`c${index}`, `id${index}/1`));
    expect(() => chooseNamespace("something", [node("n", ...many)])).toThrow(/, 21 more$/);
  });
});
