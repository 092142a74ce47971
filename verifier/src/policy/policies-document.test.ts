// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parsePolicySet } from "./policy-set.ts";

const text = readFileSync(new URL("../../../docs/policies.md", import.meta.url), "utf8");

/** The files of the example: each a name in backticks and a block. */
const files = new Map(
  [...text.matchAll(/^`([\w.-]+)`:\n\n```\w+\n(.*?)^```$/gms)].map(
    ([, name = "", content = ""]) => [name, content] as const,
  ),
);

/** The members that the table below `heading` has. */
const documented = (heading: string): string[] => {
  const section = text.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `([\w.-]+)` /gm)].map(([, member = ""]) => member).sort();
};

/** The members of an example, those of objects in it by their path. */
function membersOf(document: unknown, prefix = ""): string[] {
  return Object.entries(document as object)
    .flatMap(([key, value]: [string, unknown]) => {
      const isSection = ["imaPolicy", "measurement", "ima", "meta"].includes(key);
      return isSection ? membersOf(value, `${key}.`) : [prefix + key];
    })
    .sort();
}

const parsed = (name: string): unknown => JSON.parse(files.get(name) ?? "null");

describe("docs/policies.md", () => {
  it("has an example that a verifier takes, with keys that count", () => {
    expect(files.size).toBe(6);
    const { host, images } = parsePolicySet(files);
    expect(host?.executions.acceptsSignatures).toBe(true);
    const [policy] = images.values();
    expect(policy).toMatchObject({ runtimePolicy: "web.json", violations: "warn" });
    expect(policy?.executions.acceptsSignatures).toBe(true);
  });

  it("describes every member of the example, which has every member that it describes", () => {
    const { policies } = parsed("namespace-policies.json") as { policies: readonly object[] };
    expect(documented("node-policy.json")).toEqual(membersOf(parsed("node-policy.json")));
    expect(documented("namespace-policies.json")).toEqual(membersOf(policies[0]));
    expect(documented("deny.json")).toEqual(membersOf(parsed("deny.json")));
    const { release: _, ...runtimePolicy } = parsed("host.json") as { release: number };
    expect(documented("Runtime policies")).toEqual(membersOf(runtimePolicy));
  });

  it.each(["node-policy.json", "namespace-policies.json", "deny.json"])(
    "has no member in %s by another name",
    (name) => {
      const renamed = (files.get(name) ?? "").replace("revokedKeys", "revoked");
      expect(() => parsePolicySet(new Map([...files, [name, renamed]]))).toThrowError(
        expect.objectContaining({ problems: [expect.stringContaining("revoked is unknown")] }),
      );
    },
  );
});
