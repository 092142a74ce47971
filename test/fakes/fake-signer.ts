// SPDX-License-Identifier: Apache-2.0

import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { ByteWriter } from "@nsattest/tpm";

/** First byte of an attribute: IMA's signature, a portable one of EVM, one over an fs-verity digest. */
const KIND = { file: 3, evm: 5, verity: 6 } as const;
/** The kernel's numbers of hashes. */
const HASH = { sha1: 2, sha256: 4, sha512: 6 } as const;

export interface SignatureChange {
  readonly version?: 2 | 3;
  readonly kind?: keyof typeof KIND;
  /** What the header says the hash is. */
  readonly hash?: keyof typeof HASH;
  /** Whose the header says it is: hex. */
  readonly keyId?: string;
}

/** Who signs files, as evmctl does it: RSA-2048 with PKCS #1 v1.5 over SHA-256. */
export class FakeSigner {
  readonly #key: KeyObject = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

  get #public(): KeyObject {
    return createPublicKey(this.#key);
  }

  /** For a keyring: PEM. */
  get pem(): string {
    return this.#public.export({ type: "spki", format: "pem" }).toString();
  }

  /** Last 4 bytes of the SHA-1 of the public key, hex: by which signatures name it. */
  get keyId(): string {
    const key = this.#public.export({ type: "pkcs1", format: "der" });
    return createHash("sha1").update(key).digest("hex").slice(-8);
  }

  /** SHA-256 of the key's SubjectPublicKeyInfo, hex: by which it is revoked. */
  get fingerprint(): string {
    const key = this.#public.export({ type: "spki", format: "der" });
    return createHash("sha256").update(key).digest("hex");
  }

  /** A `sig` field for a file with this content, as an honest signer makes it unless `change` says otherwise. */
  sign(content: string, change: SignatureChange = {}): Uint8Array {
    const { version = 2, kind = "file", hash = "sha256", keyId = this.keyId } = change;
    const value = sign("sha256", this.#signed(content, version, kind), this.#key);
    return new ByteWriter()
      .u8(KIND[kind])
      .u8(version)
      .u8(HASH[hash])
      .bytes(Buffer.from(keyId, "hex"))
      .tpm2b(value)
      .finish();
  }

  /** Version 2 is over the content, version 3 over kind, hash and digest of it (`struct ima_file_id`). */
  #signed(content: string, version: 2 | 3, kind: keyof typeof KIND): Uint8Array {
    if (version === 2) return Buffer.from(content);
    const digest = createHash("sha256").update(content).digest();
    return Buffer.concat([Buffer.from([KIND[kind], HASH.sha256]), digest]);
  }
}
