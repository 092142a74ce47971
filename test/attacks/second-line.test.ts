// SPDX-License-Identifier: Apache-2.0

import { TLSSocket } from "node:tls";
import { EMPTY_JOIN, joinEvidence, type NamespaceEvent } from "@nsattest/ns-ima";
import { decodeEvent, parseJson, parsePeerRole } from "@nsattest/protocol";
import {
  EK_RSA_2048_TEMPLATE,
  encodePublicArea,
  type PublicArea,
  parsePublicArea,
} from "@nsattest/tpm";
import { tlsPeer } from "@nsattest/verifier";
import { describe, expect, it } from "vitest";
import { FakeNode } from "../fakes/fake-node.ts";

/** The events of a node's log. */
function eventsOf(node: FakeNode): readonly NamespaceEvent[] {
  return node.batches.flat().map(({ event }) => decodeEvent(event));
}

/** Checks behind checks: no request reaches them, for an earlier one is in its way. Each stands on its own all the same. */
describe("the join, whoever replayed the log", () => {
  function join(write: (node: FakeNode) => void): () => unknown {
    const node = new FakeNode();
    node.boot({ hostEntries: 0 });
    write(node);
    node.anchor();
    const events = eventsOf(node).filter(({ kind }) => kind !== "mark");
    return () => joinEvidence(EMPTY_JOIN, [], events, () => false);
  }

  it("joins no namespace that is opened twice", () => {
    const twice = join((node) => node.open("web", { ns: node.open("web") }));
    expect(twice).toThrow(expect.objectContaining({ code: "LOG_NAMESPACE_REOPENED" }));
  });

  it("joins no namespace before the host", () => {
    const node = new FakeNode();
    node.open("web");
    node.anchor();
    expect(() => joinEvidence(EMPTY_JOIN, [], eventsOf(node), () => false)).toThrow(
      expect.objectContaining({ code: "LOG_NAMESPACE_UNKNOWN" }),
    );
  });

  it("joins nothing of a namespace that was not opened", () => {
    const unknown = join((node) =>
      node.write({ kind: "gap", ns: "web/1", lost: 1, reason: "late-start" }),
    );
    expect(unknown).toThrow(expect.objectContaining({ code: "LOG_NAMESPACE_UNKNOWN" }));
  });
});

it("gives a certificate that TLS did not verify no role", () => {
  const subjectaltname = "URI:nsattest:operator";
  const socket = (authorized: boolean): TLSSocket =>
    Object.assign(Object.create(TLSSocket.prototype) as TLSSocket, {
      authorized,
      getPeerCertificate: () => ({ subjectaltname }),
    });
  expect(tlsPeer(socket(true))).toEqual({ role: "operator" });
  expect(tlsPeer(socket(false))).toBeNull();
});

it("reads no role out of a name that is quoted", () => {
  const role = "URI:nsattest:operator";
  expect(parsePeerRole(`DNS:x, ${role}, DNS:y`)).toEqual({ role: "operator" });
  const refused = expect.objectContaining({ code: "PEER_ROLE" });
  expect(() => parsePeerRole(`DNS:"x, ${role}, y"`)).toThrow(refused);
});

it("reads no JSON that is too large", () => {
  const text = Buffer.from('"text"');
  expect(parseJson(text, text.length)).toBe("text");
  const refused = expect.objectContaining({ code: "MESSAGE_TOO_LARGE" });
  expect(() => parseJson(text, text.length - 1)).toThrow(refused);
});

describe("a public area in which all else fits", () => {
  const good = parsePublicArea(EK_RSA_2048_TEMPLATE);
  const parsed = (change: Partial<PublicArea>): (() => unknown) => {
    const bytes = encodePublicArea({ ...good, ...change } as PublicArea);
    return () => parsePublicArea(bytes);
  };
  const refused = expect.objectContaining({ code: "PUBLIC_AREA" });

  it("reads no key whose policy is no digest", () => {
    expect(parsed({ authPolicy: new Uint8Array(0) })).not.toThrow();
    expect(parsed({ authPolicy: new Uint8Array(20) })).toThrow(refused);
  });

  it("reads no key that protects its children with another cipher", () => {
    const camellia = new Uint8Array(EK_RSA_2048_TEMPLATE);
    camellia.set([0x00, 0x26], 42);
    expect(() => parsePublicArea(camellia)).toThrow(refused);
  });

  it("reads no RSA key of another size", () => {
    expect(parsed({ bits: 3072, modulus: new Uint8Array(384) })).not.toThrow();
    expect(parsed({ bits: 1024, modulus: new Uint8Array(128) })).toThrow(refused);
  });
});
