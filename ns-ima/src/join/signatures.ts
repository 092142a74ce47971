// SPDX-License-Identifier: Apache-2.0

import type { FileDigest } from "../log/event.ts";
import type { JoinState } from "./join-state.ts";

/**
 * The signatures that the entries of this node's list have for a file with this digest, each once: facts about the
 * content, whoever answers for the entries. Not verified; empty when none is known, or none yet.
 */
export function signaturesOf(state: JoinState, digest: FileDigest): readonly Uint8Array[] {
  return state.books.signatures.signaturesOf(digest, state.entries);
}
