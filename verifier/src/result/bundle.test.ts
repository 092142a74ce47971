// SPDX-License-Identifier: Apache-2.0

import { BUNDLE_MAX, decodeBundle } from "@nsattest/protocol";
import { expect, it } from "vitest";
import type { JudgedRound, NodeRecord, Store } from "../store/store.ts";
import { nodeBundle } from "./bundle.ts";

const node = {
  id: "f49dc252-9d68-4752-a07d-a6f80480bb92",
  akPublic: new Uint8Array([1, 2, 3]),
} as NodeRecord;
const VERSION = "1".repeat(64);
const decision = { tier: "affirming", reasons: [], limits: [] };
const standing = JSON.stringify({ quoteVerified: true, host: decision, namespaces: {} });

function storeOf(...evidence: readonly Uint8Array[]): Store {
  const store: Pick<Store, "judgedRounds" | "findPolicy"> = {
    *judgedRounds(): IterableIterator<JudgedRound> {
      for (const each of evidence) yield { received: 1, policy: VERSION, evidence: each, standing };
    },
    findPolicy: () => "{}",
  };
  return store as Store;
}

it("is what is stored", () => {
  const bundle = decodeBundle(nodeBundle(storeOf(new Uint8Array([7]), new Uint8Array(1)), node, 5));
  expect(bundle).toMatchObject({
    node: node.id,
    pendingSeconds: 5,
    policies: [{ version: VERSION, documents: "{}" }],
    rounds: [{ received: 1, policy: VERSION, standing: JSON.parse(standing) }, {}],
  });
});

it("is refused when it would be too large to read, with what to do", () => {
  const refused = expect.objectContaining({
    code: "BUNDLE_TOO_LARGE",
    message: expect.stringContaining(`verify --database FILE --node ${node.id}`),
  });
  const quarter = new Uint8Array(BUNDLE_MAX / 4);
  expect(() => nodeBundle(storeOf(quarter, quarter, quarter, quarter), node, 5)).toThrow(refused);
  const most = new Uint8Array(1);
  const all = [quarter, quarter, quarter, quarter, most];
  expect(() => nodeBundle(storeOf(...all), node, 5)).toThrow(refused);
});
