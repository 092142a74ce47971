// SPDX-License-Identifier: Apache-2.0

import { createKeyring, type FileDigest, NsImaError, parseImaSignature } from "@nsattest/ns-ima";
import { parseKeyring } from "../../../ns-ima/src/signature/keyring-document.ts";
import { SignatureChecks } from "../../../ns-ima/src/signature/signature-checks.ts";
import { verifyEcdsa } from "../../../verifier/src/policy/ecdsa.ts";
import type { Random } from "../engine/random.ts";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { withWords } from "../mutate/bytes.ts";
import { mutateDer } from "../mutate/der.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { joinParts, partsOf } from "./parts.ts";
import { hex, readJson } from "./vectors.ts";

/** What signatures.json has of keys and of what they signed. */
export interface SignatureVectors {
  readonly keys: readonly {
    readonly spki: string;
    readonly certificate: string;
    readonly keyId: string;
  }[];
  readonly signatures: readonly { readonly digest: string; readonly xattr: string }[];
}

const WORDS = ["0301", "0302", "0303", "0502", "0603", "0004", "04", "05", "06", "02"];
const ANSWERS = 4096;

/** IMA signatures of every version against a keyring: whatever counts is what evmctl signed. */
export function imaSignature(root: string): FuzzTarget {
  const { keys, signatures } = readSignatures(root);
  const keyring = createKeyring(
    keys.flatMap(({ certificate }) => parseKeyring({ format: "der", bytes: hex(certificate) })),
    new Set(),
    new SignatureChecks(verifyEcdsa, ANSWERS),
  );
  const genuine = new Set(
    signatures.map(({ digest, xattr }) => claim(digestOf(digest), hex(xattr))),
  );
  return {
    name: "ima-signature",
    seeds: signatures.map(({ digest, xattr }) => joinParts(Buffer.from(digest), hex(xattr))),
    mutators: [
      sizedMutator({ width: 2, little: false }),
      withWords(WORDS.map(hex)),
      signatureOf(mutateDer),
    ],
    inputMax: 2048,
    errors: ["NsImaError"],
    run(input) {
      const [digest = input, signature = input] = partsOf(input, 2);
      const of = digestOf(Buffer.from(digest).toString("latin1"));
      const verdict = keyring.judge(signature, of);
      const isGenuine = verdict !== "valid" || genuine.has(claim(of, signature));
      promise(isGenuine, "a signature counts that nobody made");
      return `${verdict} ${formOf(signature)}`;
    },
  };
}

/** The vectors of ns-ima/test/vectors/signatures. */
export function readSignatures(root: string): SignatureVectors {
  const path = "ns-ima/test/vectors/signatures/signatures.json";
  return readJson(root, path) as SignatureVectors;
}

function formOf(signature: Uint8Array): string {
  try {
    const parsed = parseImaSignature(signature);
    promiseViewsWithin(parsed, signature);
    return `${parsed.version} ${parsed.kind} ${parsed.algorithm}`;
  } catch (error) {
    if (error instanceof NsImaError) return error.message.replace(/\d+/g, "");
    throw error;
  }
}

/** What a signature says. ECDSA looks at no more bits of a digest than its curve has, which is 256 at least. */
function claim({ algorithm, value }: FileDigest, signature: Uint8Array): string {
  const digits = [value.subarray(0, 32), signature].map((bytes) =>
    Buffer.from(bytes).toString("hex"),
  );
  return `${algorithm} ${digits.join(" ")}`;
}

/** `<algorithm>:<hex>`, the algorithm of any form. */
function digestOf(text: string): FileDigest {
  const colon = text.lastIndexOf(":");
  const value = new Uint8Array(Buffer.from(text.substring(colon + 1), "hex"));
  return { algorithm: text.substring(0, colon), value };
}

/** Changes the DER of an ECDSA signature behind its header. */
function signatureOf(mutate: typeof mutateDer): typeof mutateDer {
  const header = 9;
  return (input, random: Random, other) => {
    const [digest = input, signature = input] = partsOf(input, 2);
    const [, donor = other] = partsOf(other, 2);
    const der = mutate(signature.subarray(header), random, donor.subarray(header));
    const size = [der.length >> 8, der.length & 0xff];
    return joinParts(
      digest,
      Uint8Array.from([...signature.subarray(0, header - 2), ...size, ...der]),
    );
  };
}
