// SPDX-License-Identifier: Apache-2.0
import type { Owner } from "./policy.ts";

/** A file that is made in the machine and then read once, which is when it is measured. */
export interface MadeFile {
  /** Its bytes as Latin-1, below the folder of the capture. */
  readonly name: string;
  readonly content: string;
  readonly owner: Owner;
  readonly gid?: number;
  readonly mode?: number;
  /** `security.ima` and `security.evm`, hexadecimal. */
  readonly ima?: string;
  readonly evm?: string;
  /** Number of the hash algorithm with which it becomes an fs-verity file. */
  readonly verity?: 1 | 2;
  /**
   * - `read` (default): opened for reading
   * - `detached`: opened in a mount that is unmounted already, where a file has a name but no path
   * - `open-writer`: opened for reading while it is open for writing
   * - `tomtou`: opened for reading, and for writing while that is open
   */
  readonly how?: "read" | "detached" | "open-writer" | "tomtou";
  /** Name of its signature in `signatures.json`. */
  readonly signature?: string;
}

/** One of `signatures.json`, as far as files are made from it. */
export interface SignatureVector {
  readonly name: string;
  readonly content: string;
  readonly digest: string;
  readonly xattr: string;
  readonly ima?: string;
  readonly gid?: number;
  readonly mode?: number;
}

const plain = (owner: Owner): MadeFile => ({ name: owner, content: `${owner}\n`, owner });

/** One file per rule, and one file twice with the same content. */
const EACH_TEMPLATE: readonly MadeFile[] = [
  plain("ima"),
  plain("ima-ng"),
  plain("ima-sig"),
  plain("ima-ngv2"),
  plain("ima-sigv2"),
  plain("ima-buf"),
  plain("ima-modsig"),
  plain("evm-sig"),
  plain("default"),
  plain("pcr-11"),
  plain("pcr-12"),
  { ...plain("pcr-11"), name: "copy", gid: 100, mode: 0o4755 },
  { ...plain("verity"), verity: 1 },
  { ...plain("verity"), name: "verity-512", verity: 2 },
  { ...plain("ima-sigv2"), name: "verity-by-content", verity: 1 },
];

const NAMES: readonly string[] = [
  "two  spaces and_an_underscore",
  "tab\tnewline\nescape\x1b[2J",
  "not UTF-8 \xff\xfe\xe4",
  "UTF-8 \xc3\xa4",
  `${"long/".repeat(60)}name`,
];

/** Names of things that are no files: read without a path, these are the whole name. */
const RESERVED: readonly string[] = ["boot_aggregate", "kernel_version", ".ima", "kexec-cmdline"];

const NAMED: readonly MadeFile[] = [
  ...(["ima", "ima-ng"] as const).flatMap((owner) =>
    NAMES.map((name): MadeFile => ({ name: `${owner}-${name}`, content: `${name}\n`, owner })),
  ),
  ...RESERVED.map((name): MadeFile => ({ name, content: `${name}\n`, owner: "ima-ng" })),
  ...(["ima", "ima-sig", "ima-buf", "default"] as const).flatMap((owner) =>
    RESERVED.slice(0, 3).map(
      (name): MadeFile => ({
        ...{ name: `${owner}.d/${name}`, content: `${owner} ${name}\n`, owner },
        how: "detached",
      }),
    ),
  ),
];

const VIOLATIONS: readonly MadeFile[] = (["open-writer", "tomtou"] as const).flatMap((how) =>
  (["default", "pcr-11", "evm-sig", "ima"] as const).map(
    (owner): MadeFile => ({ name: `${how}-${owner}`, content: `${how} ${owner}\n`, owner, how }),
  ),
);

/** What decides about the algorithm although nothing vouches for it, and what claims to be a signature. */
const ATTRIBUTES: readonly MadeFile[] = [
  { name: "xattr-sha1", content: "\n", owner: "ima-sig", ima: `01${"11".repeat(20)}` },
  { name: "xattr-md5", content: "\n", owner: "ima-sig", ima: `0401${"11".repeat(16)}` },
  { name: "xattr-sha1-ng", content: "\n", owner: "ima-sig", ima: `0402${"11".repeat(20)}` },
  { name: "xattr-sha512", content: "\n", owner: "ima-ngv2", ima: `0406${"11".repeat(64)}` },
  { name: "xattr-03", content: "\n", owner: "ima-sig", ima: "03" },
  { name: "xattr-short", content: "\n", owner: "ima-sig", ima: "0302040000000000ff00" },
];

const SIGNED: readonly string[] = [
  ...["v1-rsa-sha1", "v1-rsa-sha256", "v2-rsa-sha1", "v2-rsa-sha256", "v2-rsa-sha512"],
  ...["v2-p256-sha256", "v2-p256-sha384", "v2-p384-sha384", "v2-key-id-of-certificate"],
  ...["v3-rsa-2048-sha256", "v3-p256-sha256", "v3-p384-sha512"],
];

/**
 * Everything that is made, in order. `few` leaves out most signatures, and the template `ima`: a list in which it occurs
 * beside others is one that evmctl does not read.
 */
export function filesToMake(signatures: readonly SignatureVector[], few: boolean): MadeFile[] {
  const find = (name: string): SignatureVector => {
    const found = signatures.find((signature) => signature.name === name);
    if (found === undefined) throw new Error(`signatures.json has no ${name}`);
    return found;
  };
  const signed = (name: string, owner: Owner, file: Partial<MadeFile> = {}): MadeFile => {
    const { content, xattr } = find(name);
    return { name: `${name}-${owner}`, content, owner, ima: xattr, ...file, signature: name };
  };
  const portable = (name: string, owner: Owner): MadeFile => {
    const { content, xattr, ima = "", gid = 0, mode = 0 } = find(name);
    const file = { name: `${name}-${owner}`, content, owner, gid, mode: mode & 0o7777 };
    return { ...file, ima, evm: xattr, signature: name };
  };
  const some = [signed("v2-rsa-sha256", "ima-sig"), portable("portable-p256", "evm-sig")];
  const all = [
    ...SIGNED.map((name) => signed(name, "ima-sig")),
    signed("v2-p256-sha256", "ima-sigv2"),
    signed("v2-p256-sha384", "pcr-12"),
    signed("v2-p256-sha512", "ima-modsig"),
    signed("verity-rsa-2048-sha256", "verity", { verity: 1 }),
    signed("verity-p256-sha512", "verity", { verity: 2 }),
    portable("portable-rsa-2048", "evm-sig"),
    portable("portable-p256", "evm-sig"),
    // Without a signature of its own kind, `sig` shows this one instead.
    portable("portable-p256", "ima-sig"),
  ];
  const files = [...EACH_TEMPLATE, ...NAMED, ...VIOLATIONS, ...ATTRIBUTES];
  return few ? [...files.filter(({ owner }) => owner !== "ima"), ...some] : [...files, ...all];
}
