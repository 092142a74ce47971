// SPDX-License-Identifier: Apache-2.0

import { createHash, type KeyObject } from "node:crypto";
import type { EnrolChallenge, EnrolStart } from "@nsattest/protocol";
import { makeCredential } from "@nsattest/tpm";
import { parseTlsKey } from "../ca/tls-key.ts";
import { RegistrarError } from "../error.ts";
import type { Store } from "../store/store.ts";
import { admit } from "./admission.ts";
import { attestationKeyName } from "./attestation-key.ts";
import { endorsementKey } from "./ek-template.ts";
import type { EnrolmentDesk } from "./enrolment-desk.ts";

const CREDENTIAL_BYTES = 32;
const ID_BYTES = 16;
const UUID_LENGTH = 36;

/**
 * First half of an enrolment: checks what can be checked from afar and wraps a fresh secret for the EK and the name of
 * the AK, so that only a TPM with both can answer.
 *
 * Nothing is recorded for the node, whose owner may not be the one who asks.
 *
 * @throws RegistrarError `TLS_KEY_UNSUPPORTED`, `EK_*`, `JOIN_TOKEN_*`, `AK_REFUSED`, `NODE_ID_TAKEN`,
 *   `ENROLMENT_BUSY`, `STORE_FAILED`
 */
export function startEnrolment(desk: EnrolmentDesk, request: EnrolStart): EnrolChallenge {
  const { nodeId, ekPublic, akPublic, tlsKey, previousCertificate } = request;
  const now = desk.now();
  parseTlsKey(tlsKey);
  const ek = endorsementKey(ekPublic);
  const ekHash = ekHashOf(ek);
  const admitted = admit(desk.ways(), desk.store, { request, ek, ekHash }, now);
  const akName = attestationKeyName(akPublic);
  checkNodeId(nodeId, ekHash, desk.store);

  const credential = desk.random(CREDENTIAL_BYTES);
  const wrapped = makeCredential({ ekPublic, akName, credential });
  const enrolmentId = Buffer.from(desk.random(ID_BYTES)).toString("base64url");
  const node = { nodeId, ekHash, admitted, previousCertificate };
  const pending = { ...node, akPublic, tlsKey, credential };
  desk.pending.add(enrolmentId, pending, now);
  return { enrolmentId, ...wrapped };
}

function ekHashOf(ek: KeyObject): string {
  return createHash("sha256")
    .update(ek.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** An id is a UUID, which is whose it was first, or the hash of an EK, which is nobody else's. */
function checkNodeId(nodeId: string, ekHash: string, store: Store): void {
  const owner = nodeId.length === UUID_LENGTH ? store.ekHashOf(nodeId) : nodeId;
  if (owner !== null && owner !== ekHash) {
    throw new RegistrarError("NODE_ID_TAKEN", `${nodeId} belongs to another TPM`);
  }
}
