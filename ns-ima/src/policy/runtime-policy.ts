// SPDX-License-Identifier: Apache-2.0

import { NsImaError } from "../error.ts";
import { bytePathFromText } from "../list/byte-path.ts";
import type { BytePath } from "../log/event.ts";
import { parseKeyring } from "../signature/keyring-document.ts";
import type { VerificationKey } from "../signature/verification-key.ts";
import { type DigestTable, digestTable, imaDigestTable } from "./digest-table.ts";

/** What a Keylime runtime policy says about executions. It may allow nothing. */
export interface RuntimePolicy {
  /** Files that may be executed: `digests`. */
  readonly files: { readonly exact: DigestTable; readonly ima: DigestTable };
  /** Buffers and keys that may be measured: `ima-buf` and `keyrings`, by the name in the record as IMA writes it. */
  readonly buffers: DigestTable;
  /** Keys whose signatures count: `verification-keys`. */
  readonly keys: readonly VerificationKey[];
  /** Sources of the patterns of what is not judged, not compiled yet. */
  readonly excludes: readonly string[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/** The findings of one document, by the error that they are. */
interface Problems {
  readonly POLICY_MALFORMED: string[];
  readonly POLICY_UNSUPPORTED: string[];
  readonly KEYRING_MALFORMED: string[];
}

const NEWEST_VERSION = 1;
const DIGEST = /^[0-9a-f]{40,128}$/;
const USABLE_DIGEST = /^(?!0*$)[0-9a-f]{64}$/;
const NOT_UNICODE = /\p{Surrogate}/u;

/**
 * Reads a Keylime runtime policy: its JSON text, or the parsed document.
 *
 * Members may be missing where that only narrows; `digests` must be there. Members that are not Keylime's are ignored,
 * as Keylime does. Only SHA-256 digests count, and never the one of zeros: IMA writes zeros for what it could not read,
 * and policies generated from a list carry them.
 *
 * - `keyrings`: the keys listed may be loaded; no signature becomes good by that.
 * - `verification-keys`: the keys whose signatures allow a file that `digests` does not have.
 * - `ima.log_hash_alg`: must be `sha1`, the column of the list that is read.
 * - `ima.ignored_keyrings`, `ima.dm_policy`: not evaluated, so they must be empty.
 *
 * Does not check that `excludes` are patterns, which `compileAllowlist` does, nor that anything could be allowed, which
 * `compileRuntimePolicy` does.
 *
 * @throws NsImaError `POLICY_MALFORMED`, `POLICY_UNSUPPORTED` or `KEYRING_MALFORMED`, with all problems of the document
 */
export function parseRuntimePolicy(source: unknown): RuntimePolicy {
  const document = typeof source === "string" ? parseJson(source) : source;
  if (!isObject(document)) throw new NsImaError("POLICY_MALFORMED", "a policy is a JSON object");

  const problems: Problems = {
    POLICY_MALFORMED: [],
    POLICY_UNSUPPORTED: [],
    KEYRING_MALFORMED: [],
  };
  const { meta, ima, digests = null, keyrings, excludes: patterns } = document;
  checkMeta(meta, problems);
  checkIma(ima, problems);
  const verificationKeys = readKeys(document["verification-keys"], problems);
  const files = readDigests(digests, "digests", problems);
  const buffers = readDigests(document["ima-buf"], "ima-buf", problems);
  const keys = readDigests(keyrings, "keyrings", problems);
  const excludes = readStrings(patterns, () => "excludes", problems);
  refuse(problems);

  for (const [name, digests] of keys) {
    buffers.set(name, [...(buffers.get(name) ?? []), ...digests]);
  }
  const exact = digestTable(files);
  return {
    files: { exact, ima: imaDigestTable(files, exact) },
    buffers: imaDigestTable(buffers, digestTable(buffers)),
    keys: verificationKeys,
    excludes,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NsImaError("POLICY_MALFORMED", `a policy is JSON: ${cause}`, { cause });
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkMeta(meta: unknown, problems: Problems): void {
  if (meta === undefined) return;
  const { version } = isObject(meta) ? meta : {};
  if (typeof version !== "number" || !Number.isInteger(version) || version < 0) {
    problems.POLICY_MALFORMED.push("meta.version: not a version number");
  } else if (version > NEWEST_VERSION) {
    problems.POLICY_UNSUPPORTED.push(`meta.version: ${version}, at most ${NEWEST_VERSION}`);
  }
}

function checkIma(ima: unknown = {}, problems: Problems): void {
  if (!isObject(ima)) {
    problems.POLICY_MALFORMED.push("ima: not an object");
    return;
  }
  const { ignored_keyrings, log_hash_alg = "sha1", dm_policy = null } = ima;
  if (readStrings(ignored_keyrings, () => "ima.ignored_keyrings", problems).length > 0) {
    problems.POLICY_UNSUPPORTED.push("ima.ignored_keyrings: list the keys under keyrings instead");
  }
  if (log_hash_alg !== "sha1") {
    problems.POLICY_UNSUPPORTED.push("ima.log_hash_alg: only sha1");
  }
  if (dm_policy !== null) {
    problems.POLICY_UNSUPPORTED.push("ima.dm_policy: device mapper records are not evaluated");
  }
}

function readKeys(text: unknown = "", problems: Problems): readonly VerificationKey[] {
  if (typeof text !== "string") problems.POLICY_MALFORMED.push("verification-keys: not a string");
  if (typeof text !== "string" || text === "") return [];
  try {
    return parseKeyring({ format: "keylime", text });
  } catch (error) {
    const found = (error as NsImaError).problems;
    problems.KEYRING_MALFORMED.push(...found.map((problem) => `verification-keys: ${problem}`));
    return [];
  }
}

function readDigests(value: unknown = {}, at: string, problems: Problems): Map<BytePath, string[]> {
  const table = new Map<BytePath, string[]>();
  if (!isObject(value)) {
    problems.POLICY_MALFORMED.push(`${at}: not an object`);
    return table;
  }
  for (const [name, list] of Object.entries(value)) {
    // Only made where it is read: there are hundreds of thousands of paths.
    const here = (): string => `${at}[${JSON.stringify(name)}]`;
    if (name === "" || NOT_UNICODE.test(name)) {
      problems.POLICY_MALFORMED.push(`${here()}: not a path`);
    }
    const digests = readStrings(list, here, problems);
    if (digests.length === 0) problems.POLICY_MALFORMED.push(`${here()}: no digest`);
    for (const [index, digest] of digests.entries()) {
      if (!DIGEST.test(digest)) {
        problems.POLICY_MALFORMED.push(`${here()}[${index}]: not a digest in lower-case hex`);
      }
    }
    table.set(
      bytePathFromText(name),
      digests.filter((digest) => USABLE_DIGEST.test(digest)),
    );
  }
  return table;
}

function readStrings(value: unknown = [], at: () => string, problems: Problems): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  problems.POLICY_MALFORMED.push(`${at()}: not an array of strings`);
  return [];
}

function refuse(problems: Problems): void {
  const codes = ["POLICY_MALFORMED", "POLICY_UNSUPPORTED", "KEYRING_MALFORMED"] as const;
  const all = codes.flatMap((code) => problems[code]);
  for (const code of codes) {
    const [first] = problems[code];
    if (first === undefined) continue;
    const more = all.length > 1 ? ` (and ${all.length - 1} more)` : "";
    throw new NsImaError(code, first + more, { problems: all });
  }
}
