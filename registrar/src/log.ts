// SPDX-License-Identifier: Apache-2.0

/** What the log speaks of; constant, so that a search finds all of a kind. */
export type LogEvent =
  | "registrar-started"
  | "registrar-stopped"
  /** Nobody can enrol by a certificate until a root is configured and the folders are read again. */
  | "no-ek-roots"
  /** The folders of EK issuers were read again. */
  | "ek-issuers-read"
  /** A request was answered: what was decided about whom, and the code when it was refused. */
  | "decision"
  /** A fault of ours; the answer only said `INTERNAL`. */
  | "fault";

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Writes one line for one event. */
export type Log = (event: LogEvent, fields: LogFields) => void;

/** A log of one JSON object a line. Texts of strangers stay inside their line: JSON escapes line ends. */
export function jsonLog(write: (line: string) => void, now: () => Date): Log {
  return (event, fields) => {
    write(`${JSON.stringify({ time: now().toISOString(), event, ...fields })}\n`);
  };
}
