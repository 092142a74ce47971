// SPDX-License-Identifier: Apache-2.0

/** What was looked at, in the order in which it is reported. */
export const CHECKS = [
  "kernel",
  "ima",
  "ima-template",
  "ima-policy",
  "bpf-lsm",
  "btf",
  "bpf-trampolines",
  "bpffs",
  "cgroup",
  "boot-log",
  "tpm",
  "tpm-bank",
  "tpm-pcr",
  "tpm-ek-certificate",
  "tpm-quote",
  "runtimes",
] as const;

export type CheckName = (typeof CHECKS)[number];

/**
 * - `ok`: nothing to do
 * - `limited`: the node can be attested, but every verdict will carry a limit, or take long
 * - `missing`: without it no verdict of this node can be anything but `none`
 * - `unknown`: this user may not look, or what was found is not understood
 */
export type FindingState = "ok" | "limited" | "missing" | "unknown";

/** What preflight says about one thing. */
export interface Finding {
  readonly check: CheckName;
  readonly state: FindingState;
  /** What was found, in plain words. */
  readonly says: string;
  /** The limit that verdicts will carry because of it. */
  readonly limit?: string;
  /** What to do about it: where there is a command, the command. */
  readonly next?: string;
}
