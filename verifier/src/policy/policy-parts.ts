// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import { extname } from "node:path";
import {
  type Allowlist,
  type CompiledRuntimePolicy,
  compileAllowlist,
  compileRuntimePolicy,
  createKeyring,
  NsImaError,
  parseKeyring,
  parseRuntimePolicy,
  SignatureChecks,
  type VerificationKey,
} from "@nsattest/ns-ima";
import { verifyEcdsa } from "./ecdsa.ts";
import { compileLinearPatterns } from "./linear-pattern.ts";
import type { Refusals } from "./policy-rules.ts";

/** What was made of the files of one policy set, by the content of the file. */
export interface PolicyParts {
  readonly allowlists: Map<string, Allowlist>;
  readonly keys: Map<string, readonly VerificationKey[]>;
  readonly checks: SignatureChecks;
}

/** What a runtime policy is bound to, besides the keys that it brings along. */
interface Binding {
  readonly shared?: Allowlist | null;
  readonly keys: readonly VerificationKey[];
  readonly refusals: Refusals;
}

/**
 * Makes the parts of a policy set: each once however many policies name it, and not again where another set has it. Old
 * versions of a policy differ from the one in force in little.
 */
export class PolicyPartsReader {
  readonly parts: PolicyParts;
  readonly problems: string[];
  readonly #files: ReadonlyMap<string, string>;
  readonly #others: readonly PolicyParts[];
  readonly #unusable = new Set<string>();

  /** @param problems gets what is wrong with a file that is asked for, once */
  constructor(
    files: ReadonlyMap<string, string>,
    problems: string[],
    others: readonly PolicyParts[],
  ) {
    const checks = others[0]?.checks ?? new SignatureChecks(verifyEcdsa);
    this.parts = { allowlists: new Map(), keys: new Map(), checks };
    this.#files = files;
    this.problems = problems;
    this.#others = others;
  }

  /** The runtime policy in the file `name`; null for one that cannot be used, or for no name. */
  allowlist(name: string): Allowlist | null {
    return this.#part(
      name,
      ({ allowlists }) => allowlists,
      (text) => compileAllowlist(parseRuntimePolicy(text), compileLinearPatterns),
    );
  }

  /** The keys in the files `names`. */
  keys(names: readonly string[]): readonly VerificationKey[] {
    return names.flatMap((name) => {
      const make = (text: string) => parseKeyring(documentOf(name, text));
      return this.#part(name, ({ keys }) => keys, make) ?? [];
    });
  }

  /** `allowlist`, which is the one in the file `name`, with what it is bound to. */
  bind(
    name: string,
    allowlist: Allowlist | null,
    { shared = null, keys, refusals }: Binding,
  ): CompiledRuntimePolicy | null {
    if (allowlist === null) return null;
    const all = [...keys, ...allowlist.keys];
    const { checks } = this.parts;
    // Without keys no signature could be good, and to wait for one would be in vain.
    const keyring = all.length === 0 ? null : createKeyring(all, new Set(refusals.revoked), checks);
    try {
      return compileRuntimePolicy(allowlist, { shared, denied: refusals.denied, keyring });
    } catch (error) {
      this.problems.push(...problemsOf(name, error as Error));
      return null;
    }
  }

  #part<T>(
    name: string,
    cacheOf: (parts: PolicyParts) => Map<string, T>,
    make: (text: string) => T,
  ): T | null {
    // What has no name is a problem already.
    if (name === "" || this.#unusable.has(name)) return null;
    try {
      const text = this.#files.get(name);
      if (text === undefined) throw new Error(`${name} is named, but missing`);
      const content = `${extname(name)} ${hash("sha256", text)}`;
      const known = [this.parts, ...this.#others].map((parts) => cacheOf(parts).get(content));
      const part = known.find((found) => found !== undefined) ?? make(text);
      cacheOf(this.parts).set(content, part);
      return part;
    } catch (error) {
      this.#unusable.add(name);
      this.problems.push(...problemsOf(name, error as Error));
      return null;
    }
  }
}

function problemsOf(name: string, error: Error): readonly string[] {
  if (!(error instanceof NsImaError)) return [error.message];
  // A document that is no object has no list of problems, only the one.
  const all = error.problems.length > 0 ? error.problems : [error.message];
  return all.map((problem) => `${name}: ${problem}`);
}

/** A file of keys in the form that its name says; of DER the text is base64. */
function documentOf(name: string, text: string): Parameters<typeof parseKeyring>[0] {
  if (name.endsWith(".der")) return { format: "der", bytes: Buffer.from(text, "base64") };
  return { format: name.endsWith(".pem") ? "pem" : "keylime", text };
}
