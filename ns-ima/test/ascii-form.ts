// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import type { ListEntry } from "../src/list/entry.ts";

/** `ima_template.c`, written down once more. */
const FORMATS: Readonly<Record<string, string>> = {
  ima: "d|n",
  "ima-ng": "d-ng|n-ng",
  "ima-sig": "d-ng|n-ng|sig",
  "ima-ngv2": "d-ngv2|n-ng",
  "ima-sigv2": "d-ngv2|n-ng|sig",
  "ima-buf": "d-ng|n-ng|buf",
  "ima-modsig": "d-ng|n-ng|sig|d-modsig|modsig",
  "evm-sig": "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode",
};

/** The kernel's own templates. */
export const TEMPLATE_NAMES: readonly string[] = Object.keys(FORMATS);

/** What stands in the list for the digest of a violation. */
const ZERO = { algorithm: "sha256", value: new Uint8Array(32) };

/** An entry as `ascii_runtime_measurements` shows it (`ima_fs.c`, ima_ascii_measurements_show), with its newline. */
export function asciiForm(entry: ListEntry): Buffer {
  const fields = (FORMATS[entry.template] ?? entry.template)
    .split("|")
    .map((id) => ` ${fieldForm(entry, id)}`);
  const head = `${String(entry.pcr).padStart(2)} ${hex(entry.listDigest)} ${entry.template}`;
  return Buffer.from(`${head}${fields.join("")}\n`, "latin1");
}

function fieldForm({ digest, path, signature, buffer, others }: ListEntry, id: string): string {
  const { algorithm, value } = digest ?? ZERO;
  const typed = algorithm.startsWith("verity:") ? algorithm : `ima:${algorithm}`;
  switch (id) {
    case "d":
      return hex(value);
    case "d-ng":
      return `${algorithm}:${hex(value)}`;
    case "d-ngv2":
      return `${typed}:${hex(value)}`;
    case "n":
    case "n-ng":
      return path;
    case "sig":
      return hex(signature ?? []);
    case "buf":
      return hex(buffer ?? []);
  }
  const other = Buffer.from(others.find((field) => field.id === id)?.value ?? []);
  if (id === "xattrnames") return other.toString("latin1").replace("\0", "");
  const isNumber = /^(?:iuid|igid|imode)$/.test(id) && other.length > 0;
  return isNumber ? String(other.readUIntLE(0, other.length)) : other.toString("hex");
}

function hex(bytes: ArrayLike<number>): string {
  return Buffer.from(Uint8Array.from(bytes)).toString("hex");
}
