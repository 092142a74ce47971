// SPDX-License-Identifier: Apache-2.0

import type { ByteReader, ByteWriter } from "../bytes.ts";
import { TpmError } from "../error.ts";
import { publicAreaName } from "../public-area.ts";
import { type Authorization, defineCommand, EMPTY_PASSWORD, type TpmCommand } from "./codec.ts";

/** The public half of a key in a TPM. Its name was recomputed, not believed. */
export interface NamedPublic {
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
}

/** A key in a slot of the TPM. */
export interface LoadedKey extends NamedPublic {
  readonly handle: number;
}

/** A key outside the TPM: its private half is encrypted by its parent and useless elsewhere. */
export interface WrappedKey {
  readonly privateArea: Uint8Array;
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
}

/** TPM2_CreatePrimary (TPM 2.0 part 3, 24.1) with empty passwords: the same key each time while the hierarchy's seed lives. */
export function createPrimary(hierarchy: number, template: Uint8Array): TpmCommand<LoadedKey> {
  return defineCommand({
    name: "CreatePrimary",
    code: 0x131,
    handles: [hierarchy],
    authorizations: [EMPTY_PASSWORD],
    parameters: (writer) => writeCreation(writer, template),
    returnsHandle: true,
    result: (parameters, handle) => {
      const publicArea = parameters.tpm2b();
      skipCreation(parameters);
      return { handle, ...named(publicArea, parameters.tpm2b()) };
    },
  });
}

/** TPM2_Create (TPM 2.0 part 3, 12.1): a new key below `parent`, with an empty password. It is not loaded. */
export function createKey(
  parent: number,
  authorization: Authorization,
  template: Uint8Array,
): TpmCommand<WrappedKey> {
  return defineCommand({
    name: "Create",
    code: 0x153,
    handles: [parent],
    authorizations: [authorization],
    parameters: (writer) => writeCreation(writer, template),
    result: (parameters) => {
      const key = { privateArea: parameters.tpm2b(), publicArea: parameters.tpm2b() };
      skipCreation(parameters);
      return key;
    },
  });
}

/** TPM2_Load (TPM 2.0 part 3, 12.2). The TPM refuses a key that was not made below `parent` or was altered since. */
export function loadKey(
  parent: number,
  authorization: Authorization,
  { privateArea, publicArea }: WrappedKey,
): TpmCommand<LoadedKey> {
  return defineCommand({
    name: "Load",
    code: 0x157,
    handles: [parent],
    authorizations: [authorization],
    parameters: (writer) => writer.tpm2b(privateArea).tpm2b(publicArea),
    returnsHandle: true,
    result: (parameters, handle) => ({ handle, ...named(publicArea, parameters.tpm2b()) }),
  });
}

/** TPM2_ReadPublic (TPM 2.0 part 3, 12.4). */
export function readPublic(object: number): TpmCommand<NamedPublic> {
  return defineCommand({
    name: "ReadPublic",
    code: 0x173,
    handles: [object],
    result: (parameters) => {
      const key = named(parameters.tpm2b(), parameters.tpm2b());
      parameters.tpm2b(); // qualified name
      return key;
    },
  });
}

/** Handles and authorizations of ActivateCredential: the key the credential is for, and the EK that unwraps it. */
export interface Activation {
  readonly key: number;
  readonly endorsementKey: number;
  readonly endorsementAuthorization: Authorization;
  /** As makeCredential returns them: without the sizes in front. */
  readonly credentialBlob: Uint8Array;
  readonly secret: Uint8Array;
}

/** TPM2_ActivateCredential (TPM 2.0 part 3, 12.5): the credential, if it was made for this key and this EK. */
export function activateCredential(activation: Activation): TpmCommand<Uint8Array> {
  return defineCommand({
    name: "ActivateCredential",
    code: 0x147,
    handles: [activation.key, activation.endorsementKey],
    authorizations: [EMPTY_PASSWORD, activation.endorsementAuthorization],
    parameters: (writer) => writer.tpm2b(activation.credentialBlob).tpm2b(activation.secret),
    result: (parameters) => parameters.tpm2b(),
  });
}

/** TPM2_FlushContext (TPM 2.0 part 3, 28.4): frees the slot of a transient object or session. */
export function flushContext(handle: number): TpmCommand<void> {
  return defineCommand({
    name: "FlushContext",
    code: 0x165,
    parameters: (writer) => writer.u32(handle),
    result: () => undefined,
  });
}

function writeCreation(writer: ByteWriter, template: Uint8Array): void {
  writer
    .u16(4) // TPM2B_SENSITIVE_CREATE: empty password, no data
    .u16(0)
    .u16(0)
    .tpm2b(template)
    .u16(0) // outsideInfo
    .u32(0); // creation PCRs
}

function skipCreation(parameters: ByteReader): void {
  parameters.tpm2b(); // creationData
  parameters.tpm2b(); // creationHash
  parameters.u16(); // ticket: tag, hierarchy, digest
  parameters.u32();
  parameters.tpm2b();
}

function named(publicArea: Uint8Array, claimed: Uint8Array): NamedPublic {
  const name = publicAreaName(publicArea);
  if (Buffer.compare(name, claimed) !== 0) {
    throw new TpmError("RESPONSE_MALFORMED", "a name that is not that of its public area");
  }
  return { publicArea, name };
}
