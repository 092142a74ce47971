// SPDX-License-Identifier: Apache-2.0

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type PeerRole, ProtocolError, parsePeerRole } from "@nsattest/protocol";

/**
 * The role of who is at the other end of a connection, or null for a stranger.
 *
 * Certificates are asked for but not demanded, since a node that enrols has none yet: everybody gets this far, and
 * whatever a certificate says counts only when TLS verified it against our authority (`authorized`). That alone is not
 * enough: of a resumed TLS 1.3 session without any certificate Node says that it is authorized.
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
