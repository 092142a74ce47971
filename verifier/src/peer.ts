// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type PeerRole, ProtocolError, parsePeerRole } from "@nsattest/protocol";

/**
 * The role of who is at the other end of a connection, or null for one whose certificate names none. Only a certificate
 * that TLS verified against our authority counts.
 */
export function tlsPeer(socket: Socket): PeerRole | null {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return null;
  try {
    return parsePeerRole(socket.getPeerCertificate().subjectaltname);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
