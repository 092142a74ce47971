// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteWriter } from "@nsattest/tpm";
import { digestOf } from "./digest.ts";
import type { EntryContent } from "./entry.ts";
import { encodeTemplateData } from "./template-field.ts";

/** What the kernel writes as the file digest of a violation on a host with `ima_hash=sha256`. */
const NO_DIGEST = { algorithm: "sha256", value: new Uint8Array(32) };

/**
 * One record of the SHA-1 list as the kernel writes it: inverse of `parseMeasurementList` for what the kernel can
 * write. Checks nothing, so that hostile lists can be made too; a path must have its `_` for spaces already.
 */
export function encodeEntry(content: EntryContent): Uint8Array {
  const { pcr, template, digest } = content;
  const data = encodeTemplateData(template, { ...content, digest: digest ?? NO_DIGEST });
  const name = Buffer.from(template, "latin1");
  return new ByteWriter()
    .u32le(pcr)
    .bytes(digest === null ? new Uint8Array(20) : digestOf("sha1", data))
    .u32le(name.length)
    .bytes(name)
    .u32le(data.length)
    .bytes(data)
    .finish();
}
