// SPDX-License-Identifier: Apache-2.0

import { expect, it } from "vitest";
import { type PeerRole, parsePeerRole, peerRoleUri } from "./peer-role.ts";

const UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

it.each<PeerRole>([
  { role: "node", id: UUID },
  { role: "node", id: "a".repeat(64) },
  { role: "verifier" },
  { role: "registrar" },
  { role: "operator" },
])("reads the role of $role from its certificate", (role) => {
  expect(parsePeerRole(`URI:${peerRoleUri(role)}`)).toEqual(role);
  expect(parsePeerRole(`DNS:localhost, URI:${peerRoleUri(role)}, IP Address:127.0.0.1`)).toEqual(
    role,
  );
});

it.each([
  ["no names", undefined],
  ["an empty list of names", ""],
  ["another URI", "URI:https://example.org"],
  ["a role in a DNS name", "DNS:nsattest:operator"],
  ["two roles", "URI:nsattest:verifier, URI:nsattest:operator"],
  ["a role twice", "URI:nsattest:verifier, URI:nsattest:verifier"],
  ["an unknown role", "URI:nsattest:root"],
  ["an empty role", "URI:nsattest:"],
  ["a role in capitals", "URI:nsattest:Operator"],
  ["a role with an id that has none", `URI:nsattest:operator:${UUID}`],
  ["a role with a colon behind", "URI:nsattest:operator:"],
  ["a node without id", "URI:nsattest:node"],
  ["a node with an empty id", "URI:nsattest:node:"],
  ["a node with a malformed id", "URI:nsattest:node:../x"],
  ["a node's id in capitals", `URI:nsattest:node:${UUID.toUpperCase()}`],
  ["a node with two ids", `URI:nsattest:node:${UUID}:${UUID}`],
  ["a name that holds another one", 'DNS:"x, URI:nsattest:operator"'],
  ["a quoted name beside a role", 'DNS:"a\\"b", URI:nsattest:operator'],
])("refuses %s", (_, names) => {
  expect(() => parsePeerRole(names)).toThrow(
    expect.objectContaining({ name: "ProtocolError", code: "PEER_ROLE" }),
  );
});
