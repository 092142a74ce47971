// SPDX-License-Identifier: Apache-2.0

import {
  constants,
  createCipheriv,
  createECDH,
  createHmac,
  publicEncrypt,
  randomBytes,
} from "node:crypto";
import { ByteWriter } from "./bytes.ts";
import { CURVES, fullWidth } from "./curve.ts";
import { TpmError } from "./error.ts";
import { digest, HASH_ALGORITHMS, type HashName } from "./hash-algorithm.ts";
import {
  ObjectAttribute as Attribute,
  type EccPublicArea,
  type PublicArea,
  parsePublicArea,
  publicKeyOf,
  type RsaPublicArea,
} from "./public-area.ts";

export interface CredentialInput {
  /** TPMT_PUBLIC of the EK. The caller checks that its key is the one in the EK certificate. */
  readonly ekPublic: Uint8Array;
  /** Name of the AK, computed by the caller from the AK's public area. */
  readonly akName: Uint8Array;
  /** The secret, at most as long as the EK's name digest. */
  readonly credential: Uint8Array;
}

/** Inputs of TPM2_ActivateCredential, both without the size in front. */
export interface WrappedCredential {
  /** Content of the TPM2B_ID_OBJECT. */
  readonly credentialBlob: Uint8Array;
  /** Content of the TPM2B_ENCRYPTED_SECRET. */
  readonly secret: Uint8Array;
}

interface Seed {
  readonly seed: Uint8Array;
  /** `seed`, so that only the EK can read it. */
  readonly secret: Uint8Array;
}

const REQUIRED = Attribute.fixedTPM | Attribute.restricted | Attribute.decrypt;
// Labels are hashed with their terminating NUL (TPM 2.0 part 1, 11.4.10.2).
const IDENTITY = Buffer.from("IDENTITY\0");
const STORAGE = Buffer.from("STORAGE\0");
const INTEGRITY = Buffer.from("INTEGRITY\0");
const NONE = new Uint8Array(0);
const ZERO_IV = new Uint8Array(16);

/**
 * TPM2_MakeCredential in software (TPM 2.0 part 1, 24): wraps `credential` so that only a TPM that holds both the EK
 * and an object named `akName` can read it.
 *
 * @throws TpmError `CREDENTIAL` for an EK that is no restricted decryption key of a TPM, for an empty or too long
 *   credential and for what is no name; `KEY_INVALID`, `PUBLIC_AREA`, `BYTES_*`, `HASH_UNKNOWN` for a malformed EK
 */
export function makeCredential(input: CredentialInput): WrappedCredential {
  const ek = parsePublicArea(input.ekPublic);
  checkInput(ek, input);
  const hash = ek.nameAlg;
  const bits = 8 * HASH_ALGORITHMS[hash].size;
  const { seed, secret } = ek.type === "rsa" ? seedForRsa(ek) : seedForEcc(ek);
  const storageKey = kdfa(hash, seed, STORAGE, input.akName, ek.symmetricBits);
  const cipher = createCipheriv(`aes-${ek.symmetricBits}-cfb`, storageKey, ZERO_IV);
  const identity = cipher.update(new ByteWriter().tpm2b(input.credential).finish());
  const integrity = createHmac(HASH_ALGORITHMS[hash].node, kdfa(hash, seed, INTEGRITY, NONE, bits))
    .update(identity)
    .update(input.akName)
    .digest();
  return { credentialBlob: new ByteWriter().tpm2b(integrity).bytes(identity).finish(), secret };
}

function checkInput(ek: PublicArea, { akName, credential }: CredentialInput): void {
  if ((ek.attributes & REQUIRED) !== REQUIRED || ek.symmetricBits === 0) {
    throw new TpmError("CREDENTIAL", "not an endorsement key");
  }
  const size = HASH_ALGORITHMS[ek.nameAlg].size;
  if (ek.symmetricBits > 8 * size) {
    throw new TpmError("CREDENTIAL", "an AES key longer than the digest it is derived with");
  }
  if (credential.length === 0 || credential.length > size) {
    throw new TpmError("CREDENTIAL", `a credential has 1 to ${size} bytes`);
  }
  const sizes = Object.values(HASH_ALGORITHMS).map((algorithm) => 2 + algorithm.size);
  if (!sizes.includes(akName.length)) throw new TpmError("CREDENTIAL", "not the name of an object");
}

function seedForRsa(ek: RsaPublicArea): Seed {
  const { size, node } = HASH_ALGORITHMS[ek.nameAlg];
  const seed = randomBytes(size);
  const secret = publicEncrypt(
    {
      key: publicKeyOf(ek),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: node,
      oaepLabel: IDENTITY,
    },
    seed,
  );
  return { seed, secret: new Uint8Array(secret) };
}

function seedForEcc(ek: EccPublicArea): Seed {
  publicKeyOf(ek); // Refuses a point off the curve, with our code.
  const { size, node } = CURVES[ek.curve];
  const ekX = fullWidth(ek.x, size);
  const ephemeral = createECDH(node);
  const point = ephemeral.generateKeys();
  const x = point.subarray(1, 1 + size);
  const y = point.subarray(1 + size);
  const shared = ephemeral.computeSecret(
    Buffer.concat([[4], ekX, fullWidth(ek.y, size)].map(Buffer.from)),
  );
  return {
    seed: kdfe(ek.nameAlg, shared, x, ekX),
    secret: new ByteWriter().tpm2b(x).tpm2b(y).finish(),
  };
}

/** KDFa (TPM 2.0 part 1, 11.4.10.2) for at most one digest: all that is needed here. */
function kdfa(
  hash: HashName,
  key: Uint8Array,
  label: Uint8Array,
  context: Uint8Array,
  bits: number,
): Uint8Array {
  const hmac = createHmac(HASH_ALGORITHMS[hash].node, key)
    .update(new ByteWriter().u32(1).bytes(label).bytes(context).u32(bits).finish())
    .digest();
  return new Uint8Array(hmac).subarray(0, bits / 8);
}

/** KDFe (TPM 2.0 part 1, 11.4.10.3) for one digest and the label IDENTITY. */
function kdfe(hash: HashName, z: Uint8Array, u: Uint8Array, v: Uint8Array): Uint8Array {
  return digest(hash, new ByteWriter().u32(1).bytes(z).bytes(IDENTITY).bytes(u).bytes(v).finish());
}
