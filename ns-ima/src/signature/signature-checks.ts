// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { constants, hash, publicDecrypt, verify } from "node:crypto";
import type { EcdsaVerifier } from "./ecdsa-verifier.ts";
import { HASH_NUMBER, type ImaSignature, KIND_TYPE, type SignatureHash } from "./ima-signature.ts";
import type { RsaKey, VerificationKey } from "./verification-key.ts";

/** One question: whether `key` made `signature` of a file with the digest `digest`, which is of its algorithm. */
export interface SignatureCheck {
  readonly key: VerificationKey;
  readonly signature: ImaSignature;
  readonly digest: Uint8Array;
}

/** Answers kept unless something else is asked for: some 10 MiB. */
export const ANSWERS_MAX = 65_536;

/** What PKCS #1 v1.5 puts before the digest (RFC 8017, 9.2, note 1). */
const DIGEST_INFO: Readonly<Record<SignatureHash, Uint8Array>> = {
  sha256: Buffer.from("3031300d060960864801650304020105000420", "hex"),
  sha384: Buffer.from("3041300d060960864801650304020205000430", "hex"),
  sha512: Buffer.from("3051300d060960864801650304020305000440", "hex"),
};

/**
 * Answers whether a key made a signature, and remembers the answers: the same files come from every node. One serves all
 * keyrings, for an answer depends on nothing but the question.
 */
export class SignatureChecks {
  readonly #verifyEcdsa: EcdsaVerifier;
  readonly #limit: number;
  // In the order of use, the least recent first.
  readonly #answers = new Map<string, boolean>();

  constructor(verifyEcdsa: EcdsaVerifier, limit: number = ANSWERS_MAX) {
    this.#verifyEcdsa = verifyEcdsa;
    this.#limit = limit;
  }

  /** Never throws, whatever the bytes. Does not look at what kind of signature it is, or whether the key is revoked. */
  isMadeBy(check: SignatureCheck): boolean {
    const question = keyOf(check);
    const known = this.#answers.get(question);
    const answer = known ?? this.#verify(check);
    this.#answers.delete(question);
    this.#answers.set(question, answer);
    if (this.#answers.size > this.#limit) {
      const [oldest = ""] = this.#answers.keys();
      this.#answers.delete(oldest);
    }
    return answer;
  }

  #verify({ key, signature, digest }: SignatureCheck): boolean {
    const { algorithm, value } = signature;
    if (key.type === "rsa" && value.length !== key.size) return false;
    switch (signature.version) {
      case 1: {
        // The kernel's digsig.c and evmctl: 20 bytes without the description of a hash.
        const signed = hash("sha1", Buffer.concat([digest, signature.header]), "buffer");
        return key.type === "rsa" && isRsaOver(key, value, signed);
      }
      case 2: {
        if (key.type === "rsa") {
          return isRsaOver(key, value, Buffer.concat([DIGEST_INFO[algorithm], digest]));
        }
        const { curve, point } = key;
        return this.#verifyEcdsa({ curve, point, digest, signature: value });
      }
      case 3: {
        // `struct ima_file_id` in integrity.h.
        const type = Buffer.of(KIND_TYPE[signature.kind], HASH_NUMBER[algorithm]);
        return verify(algorithm, Buffer.concat([type, digest]), key.object, value);
      }
    }
  }
}

/** Whether PKCS #1 v1.5 with `key` gives exactly `content`: nothing is parsed that an attacker could have padded. */
function isRsaOver(key: RsaKey, signature: Uint8Array, content: Uint8Array): boolean {
  try {
    const options = { key: key.object, padding: constants.RSA_PKCS1_PADDING };
    return publicDecrypt(options, signature).equals(content);
  } catch {
    return false;
  }
}

/** Everything that the answer depends on; the parts have fixed sizes but the last. */
function keyOf({ key, signature, digest }: SignatureCheck): string {
  const { version, kind, algorithm, value } = signature;
  const header = version === 1 ? signature.header : new Uint8Array();
  const kinds = Buffer.of(version, KIND_TYPE[kind], HASH_NUMBER[algorithm]);
  const fingerprint = Buffer.from(key.fingerprint, "hex");
  return hash("sha256", Buffer.concat([kinds, fingerprint, digest, header, value]), "binary");
}
