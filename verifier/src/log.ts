// SPDX-License-Identifier: Apache-2.0

/** What the log speaks of; constant, so that a search finds all of a kind. */
export type LogEvent =
  | "verifier-started"
  | "verifier-stopped"
  /** Nothing is affirmed of any host until there is one and the verifier is restarted. */
  | "no-node-policy"
  /** The audit trail: a host or namespace has another tier, reasons or limits than before. */
  | "verdict"
  /** A node says that it is in another boot than the known one: it has no trust until it has proven it. */
  | "node-rebooted"
  /** Evidence proved nothing: node and namespaces are `none` until better evidence. */
  | "evidence-refused"
  /** The attestation key of a node was taken from the registrar. */
  | "node-pinned"
  /** The stored history of a node does not replay; the node begins again. */
  | "history-unusable"
  /** A fault of ours; the answer only said `INTERNAL`. */
  | "fault";

export type LogFields = Readonly<Record<string, string | number | null | readonly string[]>>;

/** Writes one line for one event. */
export type Log = (event: LogEvent, fields: LogFields) => void;

/** A log of one JSON object a line. Texts of strangers stay inside their line: JSON escapes line ends. */
export function jsonLog(write: (line: string) => void, now: () => Date): Log {
  return (event, fields) => {
    write(`${JSON.stringify({ time: now().toISOString(), event, ...fields })}\n`);
  };
}
