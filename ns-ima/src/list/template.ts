// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { LIST_FIELDS_MAX, LIST_NAME_MAX } from "../limits.ts";
import { FIELDS, type FieldRule, RAW_FIELD } from "./template-field.ts";

/** The fields of each template of the kernel (`ima_template.c`, builtin_templates). */
const BUILTIN: ReadonlyMap<string, string> = new Map([
  ["ima", "d|n"],
  ["ima-ng", "d-ng|n-ng"],
  ["ima-sig", "d-ng|n-ng|sig"],
  ["ima-ngv2", "d-ngv2|n-ng"],
  ["ima-sigv2", "d-ngv2|n-ng|sig"],
  ["ima-buf", "d-ng|n-ng|buf"],
  ["ima-modsig", "d-ng|n-ng|sig|d-modsig|modsig"],
  ["evm-sig", "d-ng|n-ng|evmsig|xattrnames|xattrlengths|xattrvalues|iuid|igid|imode"],
]);

/** Layout of the records of one name. */
export interface Template {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly fields: readonly { readonly id: string; readonly rule: FieldRule }[];
  /** `ima`, whose records have no lengths and are hashed as 276 bytes. */
  readonly legacy: boolean;
}

/**
 * The template with this name, or with this format where IMA was started with `ima_template_fmt=`. Null for what has
 * not one digest and one path, no two signatures or buffers, or more fields than the kernel allows.
 */
export function compileTemplate(name: string): Template | null {
  const ids = (BUILTIN.get(name) ?? name).split("|");
  const fields = ids.map((id) => ({ id, rule: FIELDS.get(id) ?? RAW_FIELD }));
  const count = (part: string): number => fields.filter(({ rule }) => rule.part === part).length;
  const isOne =
    count("digest") === 1 && count("path") === 1 && count("signature") < 2 && count("buffer") < 2;
  if (
    !isOne ||
    ids.includes("") ||
    fields.length > LIST_FIELDS_MAX ||
    name.length > LIST_NAME_MAX
  ) {
    return null;
  }
  return { name, nameBytes: Buffer.from(name, "latin1"), fields, legacy: name === "ima" };
}
