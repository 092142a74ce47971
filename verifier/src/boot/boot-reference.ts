// SPDX-License-Identifier: Apache-2.0

import { BOOT_PCRS, digest, HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";
import { JsonSection } from "../strict-json.ts";

/** An event that has to be in the log of a boot, or may be. */
export interface ReferenceEvent {
  readonly pcr: number;
  /** Name of its type. */
  readonly type: string;
  /** For people. */
  readonly what: string;
  /** One of these. */
  readonly digests: ReadonlySet<string>;
  /** It may be missing. */
  readonly optional: boolean;
}

/** What a node, or one of a group, is to have booted. */
export interface BootReference {
  readonly name: string;
  readonly events: readonly ReferenceEvent[];
  /** The kernel's command lines that are allowed, by what is extended for one. */
  readonly commandLines: ReadonlyMap<string, string>;
}

/** The references of all nodes. */
export interface BootReferences {
  /** By node id. */
  readonly nodes: ReadonlyMap<string, BootReference>;
  /** That of all other nodes; null when there is none. */
  readonly others: BootReference | null;
}

export const NO_BOOT_REFERENCES: BootReferences = { nodes: new Map(), others: null };

const DOCUMENT = "boot-policy.json";
const NODE_FORM = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^[0-9a-f]{64}$/;
const TYPE_FORM = /^EV_[A-Z0-9_]+$|^0x[0-9a-f]{1,8}$/;
const LINE_FORM = /^[ -~]+$/;
/** The type under which the kernel's EFI stub extends its command line. */
const COMMAND_LINE_TYPE = "EV_EVENT_TAG";

/** What the kernel's EFI stub extends for a command line: its UTF-16 with the zero behind it. */
export function commandLineDigest(bank: HashName, line: string): string {
  const measured = digest(bank, Buffer.from(`${line}\0`, "utf16le"));
  return `${bank}:${Buffer.from(measured).toString("hex")}`;
}

/**
 * Reads `boot-policy.json`: what nodes are to have booted, as events. Adds what is wrong with it to `problems`; then what
 * is returned means nothing.
 *
 * @param bank the one that is quoted: digests have to be of it
 */
export function readBootReferences(
  text: string,
  bank: HashName,
  problems: string[],
): BootReferences {
  const root = JsonSection.parse(text, DOCUMENT, problems);
  const nodes = new Map<string, BootReference>();
  let others: BootReference | null = null;
  for (const section of root.sections("references")) {
    const reference = readReference(section, bank);
    const named = section.optionalTexts("nodes", NODE_FORM, "the id of a node");
    for (const node of named) {
      if (nodes.has(node)) section.refuse("nodes", `names ${node} a second time`);
      nodes.set(node, reference);
    }
    if (named.length === 0) {
      if (others !== null) section.refuse("nodes", "must be there: another one is for all others");
      others = reference;
    }
    section.refuseUnread();
  }
  root.refuseUnread();
  return { nodes, others };
}

function readReference(section: JsonSection, bank: HashName): BootReference {
  const name = section.text("name");
  const commandLines = new Map<string, string>();
  const events = section.sections("events").map((item) => readEvent(item, bank, commandLines));
  if (events.every(({ optional }) => optional)) {
    section.refuse("events", "must name one at least that may not be missing");
  }
  return { name, events, commandLines };
}

function readEvent(
  item: JsonSection,
  bank: HashName,
  commandLines: Map<string, string>,
): ReferenceEvent {
  const pcr = item.integer("pcr", 0, Math.max(...BOOT_PCRS));
  if (!BOOT_PCRS.includes(pcr)) item.refuse("pcr", "is not extended by what boots");
  const type = item.text("type", TYPE_FORM, "the name of a type, EV_…, or its number as 0x…");
  const what = item.has("what") ? item.text("what", LINE_FORM, "printable ASCII") : "";
  const form = new RegExp(`^${bank}:[0-9a-f]{${2 * HASH_ALGORITHMS[bank].size}}$`);
  const digests = new Set(item.optionalTexts("digests", form, `${bank}:<hex>`));
  for (const line of item.optionalTexts("commandLines", LINE_FORM, "printable ASCII")) {
    if (type !== COMMAND_LINE_TYPE) {
      item.refuse("commandLines", `are events of type ${COMMAND_LINE_TYPE}`);
    }
    const extended = commandLineDigest(bank, line);
    digests.add(extended);
    commandLines.set(extended, line);
  }
  if (digests.size === 0) item.refuse("digests", "or commandLines must name one at least");
  const optional = item.flag("optional");
  item.refuseUnread();
  return { pcr, type, what, digests, optional };
}
