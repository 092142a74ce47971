// SPDX-License-Identifier: Apache-2.0

import { ProtocolError } from "./error.ts";
import { isNodeId } from "./node-id.ts";

/** Who the other end of a TLS connection is: a URI in its certificate's subject alternative name. */
export type PeerRole =
  | { readonly role: "node"; readonly id: string }
  | { readonly role: "verifier" | "registrar" | "operator" };

const PREFIX = "URI:nsattest:";

/** The URI that certifies `role`. */
export function peerRoleUri(role: PeerRole): string {
  return role.role === "node" ? `nsattest:node:${role.id}` : `nsattest:${role.role}`;
}

/**
 * Reads the role from `subjectaltname` as Node gives it of a peer certificate: exactly one of our URIs, beside any
 * other names.
 *
 * Does not check the certificate: only for connections whose peer was authorized against our own CA.
 *
 * @throws ProtocolError `PEER_ROLE`
 */
export function parsePeerRole(subjectAltName: string | undefined): PeerRole {
  // Node quotes a name that could be taken for several; nobody whom we certify has one.
  const names = subjectAltName?.includes('"') === false ? subjectAltName.split(", ") : [];
  const roles = names.filter((name) => name.startsWith(PREFIX));
  const [word, id, ...rest] = (roles[0] ?? "").replace(PREFIX, "").split(":");
  if (roles.length === 1 && rest.length === 0) {
    if (word === "node" && id !== undefined && isNodeId(id)) return { role: "node", id };
    const plain = word === "verifier" || word === "registrar" || word === "operator";
    if (plain && id === undefined) return { role: word };
  }
  throw new ProtocolError("PEER_ROLE", "the peer's certificate does not name one role of nsattest");
}
