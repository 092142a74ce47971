// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteWriter } from "@nsattest/tpm";
import { LEGACY_PATH_MAX } from "../limits.ts";
import type { BytePath, FileDigest } from "../log/event.ts";
import { bytePathFromBytes, bytePathToBytes } from "./byte-path.ts";

/** What a field becomes in a content. */
export interface FieldParts {
  readonly digest: FileDigest;
  readonly path: BytePath;
  readonly signature: Uint8Array | null;
  readonly buffer: Uint8Array | null;
  readonly other: Uint8Array;
}

/** How one kind of field is read and written. What is read owns its memory. */
export type FieldRule = {
  [Part in keyof FieldParts]: {
    readonly part: Part;
    /** @throws Error for a value that the kernel does not write */
    readonly read: (value: Uint8Array) => FieldParts[Part];
    /** Also what `read` refuses, so that hostile lists can be made. */
    readonly write: (content: FieldParts[Part]) => Uint8Array;
  };
}[keyof FieldParts];

const NOTHING = new Uint8Array();
const COLON = 0x3a;
const DIGEST_MAX = 64;
const ALGORITHM_MAX = 32;
const ALGORITHM = /^[a-z0-9-]{1,32}$/;
const SHA256_PREFIX = Buffer.from("sha256:\0", "latin1");
const VERITY = "verity:";
const CONTENT = "ima:";

// First byte of security.ima (3, 6) and of a portable signature in security.evm (5): ima_template_lib.c,
// ima_eventsig_init and ima_eventevmsig_init. Anything else the kernel leaves out.
const PORTABLE_EVM = 5;
const SIGNATURES: readonly number[] = [3, PORTABLE_EVM, 6];

/** The field that is not known here. */
export const RAW_FIELD: FieldRule = raw(() => true);

const id32 = raw(({ length }) => length === 0 || length === 4);

/** The fields of the kernel (`ima_template.c`, supported_fields; `ima_template_lib.c` for their forms). */
export const FIELDS: ReadonlyMap<string, FieldRule> = new Map<string, FieldRule>([
  ["d", { part: "digest", read: readBareDigest, write: ({ value }) => value }],
  ["d-ng", { part: "digest", read: (value) => readDigest(value, 0), write: writeDigest }],
  ["d-ngv2", { part: "digest", read: readTypedDigest, write: writeTypedDigest }],
  ["n", { part: "path", read: readShortPath, write: writePath }],
  ["n-ng", { part: "path", read: readPath, write: writePath }],
  ["sig", { part: "signature", read: readSignature, write: (value) => value ?? NOTHING }],
  [
    "buf",
    {
      part: "buffer",
      read: (value) => (value.length === 0 ? null : new Uint8Array(value)),
      write: (value) => value ?? NOTHING,
    },
  ],
  ["d-modsig", raw((value) => value.length === 0 || readDigest(value, 0).value.length > 0)],
  ["modsig", RAW_FIELD],
  ["evmsig", raw(({ 0: type }) => type === undefined || type === PORTABLE_EVM)],
  ["iuid", id32],
  ["igid", id32],
  ["imode", raw(({ length }) => length === 0 || length === 2)],
  ["xattrnames", raw((value) => value.length === 0 || value.indexOf(0) === value.length - 1)],
  ["xattrlengths", raw(({ length }) => length % 4 === 0)],
  ["xattrvalues", RAW_FIELD],
]);

function raw(isValid: (value: Uint8Array) => boolean): FieldRule {
  return {
    part: "other",
    read(value) {
      if (!isValid(value)) throw new Error("has not the form that the kernel writes");
      return new Uint8Array(value);
    },
    write: (value) => value,
  };
}

/** `d`: SHA-1 or MD5, told apart by their size. */
function readBareDigest(value: Uint8Array): FileDigest {
  if (value.length !== 20 && value.length !== 16) throw new Error("is neither SHA-1 nor MD5");
  return { algorithm: value.length === 20 ? "sha1" : "md5", value: new Uint8Array(value) };
}

/** `d-ng` from byte `from` on: algorithm, colon, NUL, digest. */
function readDigest(value: Uint8Array, from: number): FileDigest {
  const colon = value.indexOf(COLON, from);
  const size = value.length - colon - 2;
  const algorithm = algorithmIn(value, from, colon);
  if (value[colon + 1] !== 0) throw new Error("has no NUL after the algorithm");
  if (size <= 0 || size > DIGEST_MAX) throw new Error(`has a digest of ${size} bytes`);
  const digest = new Uint8Array(size);
  for (let i = 0; i < size; i++) digest[i] = Number(value[colon + 2 + i]);
  return { algorithm, value: digest };
}

function algorithmIn(value: Uint8Array, from: number, colon: number): string {
  // Nearly all of them: not worth a string each.
  if (from === 0 && SHA256_PREFIX.every((byte, at) => byte === value[at])) return "sha256";
  const length = Math.max(0, Math.min(colon - from, ALGORITHM_MAX + 1));
  const name = Buffer.from(value.buffer, value.byteOffset + from, length).toString("latin1");
  if (!ALGORITHM.test(name)) throw new Error("does not begin with an algorithm");
  return name;
}

function writeDigest({ algorithm, value }: FileDigest): Uint8Array {
  return new ByteWriter()
    .bytes(Buffer.from(`${algorithm}:\0`, "latin1"))
    .bytes(value)
    .finish();
}

/** `d-ngv2`: `ima` or `verity`, a colon, and the rest as in `d-ng`. */
function readTypedDigest(value: Uint8Array): FileDigest {
  const isType = (type: string): boolean =>
    [...type].every((character, at) => character.charCodeAt(0) === value[at]);
  if (isType(CONTENT)) return readDigest(value, CONTENT.length);
  if (!isType(VERITY)) throw new Error("is neither a content's digest nor one of fs-verity");
  const { algorithm, value: digest } = readDigest(value, VERITY.length);
  return { algorithm: VERITY + algorithm, value: digest };
}

function writeTypedDigest({ algorithm, value }: FileDigest): Uint8Array {
  const typed = algorithm.startsWith(VERITY) ? algorithm : CONTENT + algorithm;
  return writeDigest({ algorithm: typed, value });
}

/** `n-ng`: path and the NUL that ends it. */
function readPath(value: Uint8Array): BytePath {
  const length = value.length - 1;
  if (length < 0 || value.indexOf(0) !== length) throw new Error("does not end at its first NUL");
  return bytePathFromBytes(value, length);
}

function readShortPath(value: Uint8Array): BytePath {
  if (value.length > LEGACY_PATH_MAX + 1) throw new Error(`has more than ${LEGACY_PATH_MAX} bytes`);
  return readPath(value);
}

function writePath(path: BytePath): Uint8Array {
  return new ByteWriter().bytes(bytePathToBytes(path)).u8(0).finish();
}

function readSignature(value: Uint8Array): Uint8Array | null {
  const [type] = value;
  if (type === undefined) return null;
  if (!SIGNATURES.includes(type)) throw new Error("holds no signature");
  return new Uint8Array(value);
}
