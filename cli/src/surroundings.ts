// SPDX-License-Identifier: Apache-2.0

/** What a subcommand works with: a process, or a test. */
export interface Surroundings {
  /** Results. */
  readonly out: (text: string) => void;
  /** Results that are no text; null where they would go to a terminal. */
  readonly outBytes: ((bytes: Uint8Array) => void) | null;
  /** Progress and problems. */
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the user wants to end. */
  readonly signal: AbortSignal;
}
