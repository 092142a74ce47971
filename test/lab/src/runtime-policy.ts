// SPDX-License-Identifier: Apache-2.0

/** The parts of Keylime's runtime-policy JSON that the lab fills; the others are empty. */
export interface RuntimePolicyDocument {
  readonly meta: { readonly version: 1; readonly generator: 0 };
  readonly release: 0;
  readonly digests: Readonly<Record<string, readonly string[]>>;
  readonly excludes: readonly string[];
  readonly keyrings: Readonly<Record<string, readonly string[]>>;
  readonly ima: {
    readonly ignored_keyrings: readonly string[];
    readonly log_hash_alg: "sha1";
    readonly dm_policy: null;
  };
  readonly "ima-buf": Readonly<Record<string, readonly string[]>>;
  readonly "verification-keys": "";
}

/**
 * An allowlist in Keylime's format: exactly these paths with these SHA-256 digests (hex), and keys by keyring; nothing is
 * excluded.
 */
export function runtimePolicy(
  digests: ReadonlyMap<string, string>,
  keyrings: Readonly<Record<string, readonly string[]>> = {},
): RuntimePolicyDocument {
  return {
    meta: { version: 1, generator: 0 },
    release: 0,
    digests: Object.fromEntries([...digests].map(([path, digest]) => [path, [digest]])),
    excludes: [],
    keyrings,
    ima: { ignored_keyrings: [], log_hash_alg: "sha1", dm_policy: null },
    "ima-buf": {},
    "verification-keys": "",
  };
}
