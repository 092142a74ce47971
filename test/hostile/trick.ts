// SPDX-License-Identifier: Apache-2.0
import type { KernelSeries } from "@nsattest/lab";
import type { Reason } from "@nsattest/protocol";

/** How a trick shows in the verdict of the container that plays it. */
export type Expectation =
  /** Contraindicated: each of these, and no reason that is none of these. */
  | { readonly kind: "reasons"; readonly reasons: readonly Partial<Reason>[] }
  /** Whatever else is said of it, with this limit. */
  | { readonly kind: "limit"; readonly limit: string }
  /** The kernel refuses it, or nothing comes of it: the container stays as it is. */
  | { readonly kind: "nothing"; readonly because: string }
  /** It is not seen, which is a gap that is known. */
  | { readonly kind: "unseen"; readonly because: string };

/** Something a container does so that what it executes is not seen, or is taken for somebody else's. */
export interface Trick {
  /** Also the argument of `/bin/tricks`, and the container. */
  readonly id: string;
  /** What is done, and what for: a sentence without a full stop. */
  readonly idea: string;
  /** Default: anybody, that is Docker's capabilities and no seccomp profile. */
  readonly who?: "privileged";
  readonly expected: Expectation;
  /** Paths (of the host's list) under which an entry shows that the trick was done. */
  readonly listed?: readonly string[];
  /** Kernels on which it can be done. Default: all. */
  readonly kernels?: readonly KernelSeries[];
  /** Left out of the gate. */
  readonly long?: true;
  /** Numbers of a device that the container may use. */
  readonly device?: readonly [major: number, minor: number];
  /** Namespaces that the container shares with the host. */
  readonly shares?: readonly ("cgroup" | "pid")[];
}

/** A file that no policy lists at this path. */
export const unlisted = (path: string): Partial<Reason> => ({ code: "NOT_IN_ALLOWLIST", path });

/** A listed path with another content. */
export const altered = (path: string): Partial<Reason> => ({ code: "DIGEST_MISMATCH", path });

/** An entry or execution whose digest is not to be relied on. */
export const unstable = (path: string, detail: string): Partial<Reason> => ({
  code: "DIGEST_UNSTABLE",
  path,
  detail,
});

/** Code that was, or can be, changed while it runs. */
export const changeable = (path: string, detail: "rewritten" | "writable"): Partial<Reason> => ({
  code: "CODE_WRITABLE",
  path,
  detail,
});

/** Something was executed in a cgroup that is not the container's. */
export const ESCAPED: Partial<Reason> = { code: "CGROUP_ESCAPE", detail: "escaped" };

/** An entry for a file that was executed or mapped while it was open for writing. */
export const VIOLATION: Partial<Reason> = unstable("", "violation");

export const reasons = (...expected: readonly Partial<Reason>[]): Expectation => ({
  kind: "reasons",
  reasons: expected,
});

export const limit = (code: string): Expectation => ({ kind: "limit", limit: code });
