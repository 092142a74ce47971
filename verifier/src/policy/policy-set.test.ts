// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { bootPolicy } from "../../../test/fakes/fake-boot.ts";
import { IMAGE, INIT, RUNC } from "../../../test/fakes/fake-node.ts";
import { BUSYBOX, digestText, policyDocuments } from "../../../test/fakes/verifier-bench.ts";
import { VerifierError } from "../error.ts";
import { bootReferenceOf, isRuntimeOf, parsePolicySet, restorePolicySet } from "./policy-set.ts";

function problemsOf(files: ReadonlyMap<string, string>): readonly string[] {
  try {
    parsePolicySet(files);
  } catch (error) {
    if (error instanceof VerifierError && error.code === "POLICY_INVALID") return error.problems;
    throw error;
  }
  return [];
}

function fileDigest(content: string): { algorithm: string; value: Uint8Array } {
  return { algorithm: "sha256", value: Buffer.from(digestText(content).slice(7), "hex") };
}

const { "node-policy.json": nodePolicy } = Object.fromEntries(
  [...policyDocuments()].map(([name, text]) => [name, JSON.parse(text) as object]),
);

describe("parsePolicySet", () => {
  it("binds the host and images to their runtime policies", () => {
    const { host, images } = parsePolicySet(policyDocuments());
    expect(host?.programs).toEqual(["/usr/lib/nsattest/monitor.cjs"]);
    const digest = fileDigest(INIT.content);
    expect(
      host?.executions.evaluateExecution({ path: INIT.path, digest, signatures: [] }, "ima")
        .outcome,
    ).toBe("allowed");
    const busybox = { path: BUSYBOX.path, digest: fileDigest(BUSYBOX.content), signatures: [] };
    expect(images.get(IMAGE)?.executions.evaluateExecution(busybox, "exact").outcome).toBe(
      "allowed",
    );
  });

  it("makes a runtime policy once, however many images have it and however many sets", () => {
    const other = `sha256:${"1".repeat(64)}`;
    const policies = [IMAGE, other].map((image) => ({ image, runtimePolicy: "busybox.json" }));
    const changes = { "namespace-policies.json": { policies }, "copy.json": policies };
    const set = parsePolicySet(policyDocuments(changes));
    expect(set.parts.allowlists.size).toBe(2);
    const older = parsePolicySet(policyDocuments(), [set]);
    expect(older.version).not.toBe(set.version);
    expect([...older.parts.allowlists]).toEqual([...set.parts.allowlists]);
    for (const [content, allowlist] of older.parts.allowlists) {
      expect(set.parts.allowlists.get(content)).toBe(allowlist);
    }
    expect(older.parts.checks).toBe(set.parts.checks);
    expect(parsePolicySet(policyDocuments()).parts.checks).not.toBe(set.parts.checks);
  });

  it("lets violations fail unless something else is chosen", () => {
    const bound = { image: IMAGE, runtimePolicy: "busybox.json" };
    const rules = (host: object, namespace: object) => {
      const set = parsePolicySet(
        policyDocuments({
          "node-policy.json": { ...nodePolicy, ...host },
          "namespace-policies.json": { policies: [{ ...bound, ...namespace }] },
        }),
      );
      return [set.host?.violations, set.images.get(IMAGE)?.violations];
    };
    expect(rules({}, {})).toEqual(["fail", "fail"]);
    expect(rules({ violations: "warn" }, { violations: "count" })).toEqual(["warn", "count"]);
    const files = policyDocuments({ "node-policy.json": { ...nodePolicy, violations: "no" } });
    expect(problemsOf(files)).toEqual([
      "node-policy.json.violations must be one of fail, warn, count",
    ]);
  });

  it("has a version that depends on the documents and not on their order", () => {
    const files = policyDocuments();
    const { version } = parsePolicySet(files);
    expect(version).toMatch(/^[0-9a-f]{64}$/);
    expect(parsePolicySet(new Map([...files].reverse())).version).toBe(version);
    expect(parsePolicySet(policyDocuments({ "unused.json": {} })).version).not.toBe(version);
  });

  it("can be restored from what is stored", () => {
    const { version, documents } = parsePolicySet(policyDocuments());
    const restored = restorePolicySet(documents);
    expect(restored.version).toBe(version);
    expect([...restored.images.keys()]).toEqual([IMAGE]);
  });

  describe("of boots", () => {
    const digestIn = (policy: object): string =>
      /sha256:[0-9a-f]+/.exec(JSON.stringify(policy))?.[0] ?? "";

    it("says what a node is to have booted: its own reference, else that of all others", () => {
      const node = "a".repeat(64);
      const { references } = bootPolicy() as { references: object[] };
      const own = { ...references[0], name: "own", nodes: [node] };
      const set = parsePolicySet(
        policyDocuments({ "boot-policy.json": { references: [...references, own] } }),
      );
      expect(bootReferenceOf(set, node)?.name).toBe("own");
      expect(bootReferenceOf(set, "b".repeat(64))?.name).toBe("fakes");
      expect(bootReferenceOf(parsePolicySet(policyDocuments()), node)).toBeNull();
    });

    it("refuses a denied digest in a boot reference, for all nodes or for one", () => {
      const digest = digestIn(bootPolicy());
      const deny = { deny: [{ digest, reason: "leaks" }] };
      for (const policy of [bootPolicy(), bootPolicy({ nodes: ["a".repeat(64)] })]) {
        const files = policyDocuments({ "boot-policy.json": policy, "deny.json": deny });
        expect(problemsOf(files)).toEqual([`boot-policy.json: ${digest} is denied`]);
      }
    });

    it("refuses a PCR that the host's list is in", () => {
      const node = JSON.parse(policyDocuments().get("node-policy.json") ?? "") as object;
      const files = policyDocuments({
        "boot-policy.json": bootPolicy(),
        "node-policy.json": { ...node, measurement: { pcrs: [8, 10] } },
      });
      expect(problemsOf(files)).toEqual([
        "boot-policy.json needs PCR 8, which is one of the list's",
      ]);
    });

    it("are read without a policy for hosts, too", () => {
      const files = policyDocuments({
        "boot-policy.json": bootPolicy(),
        "node-policy.json": undefined,
      });
      expect(parsePolicySet(files).boots.others?.name).toBe("fakes");
    });
  });

  it("binds nobody where there is no document", () => {
    const { host, images } = parsePolicySet(new Map());
    expect(host).toBeNull();
    expect(images.size).toBe(0);
  });

  it("reports the problems of all documents at once", () => {
    const files = policyDocuments({
      "node-policy.json": {
        imaPolicy: { path: "etc/ima", digest: "sha256:00", extra: 1 },
        runtimes: ["runc"],
        programs: "monitor",
        runtimePolicy: "../host.json",
      },
      "namespace-policies.json": {
        policies: [
          { image: IMAGE, runtimePolicy: "busybox.json", mode: "enforce" },
          { image: IMAGE, runtimePolicy: "missing.json" },
          { image: "busybox:latest", runtimePolicy: "missing.json" },
          7,
        ],
      },
      "busybox.json": { digests: {}, excludes: ["("] },
    });
    expect(problemsOf(files)).toEqual([
      "node-policy.json.imaPolicy.path must be an absolute path",
      "node-policy.json.imaPolicy.digest must be sha256:<hex>",
      "node-policy.json.runtimes[0] must be sha256:<hex>",
      "node-policy.json.programs must be an array",
      "node-policy.json.runtimePolicy must be the name of a .json file beside this one",
      "node-policy.json.imaPolicy.extra is unknown",
      "namespace-policies.json.policies[3] must be an object",
      expect.stringContaining('busybox.json: excludes[0] "(": '),
      "namespace-policies.json.policies[0].mode is unknown",
      "missing.json is named, but missing",
      `namespace-policies.json.policies[1].image is bound a second time: ${IMAGE}`,
      "namespace-policies.json.policies[2].image must be sha256:<hex>",
      "namespace-policies.json.policies[3].image must be sha256:<hex>",
      "namespace-policies.json.policies[3].runtimePolicy must be the name of a .json file beside this one",
    ]);
  });

  it.each([
    ["no JSON", "node-policy.json", "{", "node-policy.json must be JSON"],
    ["no object", "namespace-policies.json", "[]", "namespace-policies.json must be an object"],
    ["no runtime policy", "host.json", "[]", "host.json: a policy is a JSON object"],
    ["a pattern of back references", "host.json", '{"digests":{"/a":["x"]}}', "host.json: "],
  ])("refuses a document that is %s", (_, name, text, problem) => {
    const problems = problemsOf(new Map([...policyDocuments(), [name, text]]));
    expect(problems.join("\n")).toContain(problem);
  });

  it.each([
    ["host", { "host.json": { digests: {} } }, "host.json: no SHA-256 digest and no key"],
    ["image", { "busybox.json": { digests: {} } }, "busybox.json: no SHA-256 digest and no key"],
  ])("refuses a policy for a %s by which nothing could be allowed", (_, changes, problem) => {
    expect(problemsOf(policyDocuments(changes))).toEqual([expect.stringContaining(problem)]);
  });

  it("refuses a pattern that needs more than linear time", () => {
    const digests = { "/sbin/init": [digestText("init").slice(7)] };
    const problems = problemsOf(
      policyDocuments({ "host.json": { digests, excludes: ["(a)\\1"] } }),
    );
    expect(problems.join("\n")).toContain("host.json: excludes[0]");
  });

  it("requires a program: without one any monitor would do", () => {
    const files = policyDocuments({ "node-policy.json": { ...nodePolicy, programs: [] } });
    expect(problemsOf(files)).toEqual(["node-policy.json.programs must name one program at least"]);
  });
});

describe("isRuntimeOf", () => {
  it("knows the digests of the host's policy", () => {
    const isRuntime = isRuntimeOf(parsePolicySet(policyDocuments()));
    expect(isRuntime(fileDigest(RUNC.content))).toBe(true);
    expect(isRuntime(fileDigest("other"))).toBe(false);
    expect(isRuntime({ ...fileDigest(RUNC.content), algorithm: "sm3" })).toBe(false);
  });

  it("knows none without a policy", () => {
    expect(isRuntimeOf(parsePolicySet(new Map()))(fileDigest(RUNC.content))).toBe(false);
  });
});
