// SPDX-License-Identifier: Apache-2.0

import { constants, generateKeyPairSync, hash, privateEncrypt } from "node:crypto";
import type { BenchFile } from "./bench-node.ts";

/** Files with signatures in their extended attributes, and the key that the policy accepts. */
export interface SignedFiles {
  readonly files: readonly BenchFile[];
  /** PEM of the public key. */
  readonly keyring: string;
}

/** Contents that are signed: making a signature takes a thousand times as long as looking at one. */
const CONTENTS = 1_000;
const DIGEST_INFO = Buffer.from("3031300d060960864801650304020105000420", "hex");
/** Type `security.ima`, version 2, SHA-256 (see ima-signature.ts). */
const HEADER = [0x03, 0x02, 0x04];

/** `files` with every `nth` one signed (RSA-2048, as `evmctl ima_sign` does it); those share a thousand contents. */
export function signEvery(nth: number, files: readonly BenchFile[]): SignedFiles {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pkcs1 = publicKey.export({ type: "pkcs1", format: "der" });
  const keyId = Buffer.from(hash("sha1", pkcs1), "hex").subarray(-4);
  const contents = Array.from({ length: CONTENTS }, (_, number) => {
    const digest = Buffer.from(hash("sha256", `signed ${number}`), "hex");
    const rsa = { key: privateKey, padding: constants.RSA_PKCS1_PADDING };
    const value = privateEncrypt(rsa, Buffer.concat([DIGEST_INFO, digest]));
    const size = Buffer.from([value.length >> 8, value.length & 0xff]);
    const signature = new Uint8Array(Buffer.concat([Buffer.from(HEADER), keyId, size, value]));
    return { digest: new Uint8Array(digest), signature };
  });
  return {
    files: files.map((file, index) =>
      isSigned(index, nth) ? { ...file, ...contents[(index / nth) % CONTENTS] } : file,
    ),
    keyring: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/** The first places of a list are the boot's and the policy's: none of them is signed. */
export function isSigned(index: number, nth: number): boolean {
  return index >= nth && index % nth === 0;
}
