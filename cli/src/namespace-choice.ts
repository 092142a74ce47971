// SPDX-License-Identifier: Apache-2.0

import type { NodeReport } from "@nsattest/protocol";
import { CliError } from "./error.ts";

/** A namespace, or the host, of a node. */
export interface NamespaceChoice {
  readonly node: string;
  /** `host` or a namespace's id. */
  readonly id: string;
}

interface Candidate extends NamespaceChoice {
  readonly name: string;
  readonly isOpen: boolean;
}

const HOST = "host";
/** Characters of a container id that name it, as runtimes print them. */
const SHORT_ID_MIN = 6;
const CANDIDATES_SHOWN = 10;

/**
 * The one namespace that `text` names in the reports: by its id, by the container's name, by the container's id or the
 * beginning of it, in this order. Of several the only one that still runs.
 *
 * @throws CliError `NAMESPACE_UNKNOWN`, `NAMESPACE_AMBIGUOUS`, with what there is
 */
export function chooseNamespace(text: string, reports: readonly NodeReport[]): NamespaceChoice {
  const all = reports.flatMap(candidatesIn);
  const rules: readonly ((candidate: Candidate) => boolean)[] = [
    ({ id }) => id === text,
    ({ name }) => name === text,
    ({ id }) => containerOf(id) === text,
    ({ id }) => text.length >= SHORT_ID_MIN && containerOf(id).startsWith(text),
  ];
  const named = rules.map((rule) => all.filter(rule)).find((found) => found.length > 0) ?? [];
  const running = named.filter(({ isOpen }) => isOpen);
  const [choice, ...others] = running.length > 0 ? running : named;
  if (choice === undefined) throw unknown(text, all);
  if (others.length > 0) throw ambiguous(text, [choice, ...others]);
  return { node: choice.node, id: choice.id };
}

function candidatesIn({ node, namespaces }: NodeReport): readonly Candidate[] {
  return [
    { node: node.id, id: HOST, name: HOST, isOpen: true },
    ...namespaces.map(({ id, name, state }) => ({
      node: node.id,
      id,
      name,
      isOpen: state === "open",
    })),
  ];
}

/** The container's id in a namespace's. */
function containerOf(id: string): string {
  return id.split("/")[0] ?? id;
}

function unknown(text: string, all: readonly Candidate[]): CliError {
  const wanted = text.toLowerCase();
  const alike = ({ id, name }: Candidate): boolean =>
    [id, name].some((known) => isAlike(known.toLowerCase(), wanted));
  const near = all.filter(alike);
  const what =
    near.length > 0 ? `did you mean ${list(near)}` : `there is ${list(all) || "no node"}`;
  return new CliError("NAMESPACE_UNKNOWN", `no namespace is called ${text}; ${what}`);
}

function ambiguous(text: string, found: readonly Candidate[]): CliError {
  const oneNode = found.every(({ node }) => node === found[0]?.node);
  const hint = oneNode ? "name one of the ids" : "add --node ID";
  return new CliError(
    "NAMESPACE_AMBIGUOUS",
    `${found.length} namespaces are called ${text}; ${hint}: ${list(found)}`,
  );
}

function list(candidates: readonly Candidate[]): string {
  const shown = candidates.slice(0, CANDIDATES_SHOWN).map(({ node, id, name }) => {
    const label = name === id ? id : `${id} (${name})`;
    return `${label} on ${node}`;
  });
  const more = candidates.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

/** One contains the other, or they differ in one or two places. */
function isAlike(known: string, wanted: string): boolean {
  if (wanted === "") return false;
  return known.includes(wanted) || wanted.includes(known) || distance(known, wanted) <= 2;
}

/** Edits that make one text of the other (Levenshtein); 3 and more where the lengths say so already. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, character] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = (row[j] ?? 0) + (b[j] === character ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
