// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { ByteReader, ByteWriter, HASH_ALGORITHMS, type HashName } from "@nsattest/tpm";
import { NsImaError } from "../error.ts";
import { LEGACY_PATH_MAX, LIST_DATA_MAX, LIST_NAME_MAX } from "../limits.ts";
import { bytePathFromBytes, displayPath } from "./byte-path.ts";
import type { Template } from "./template.ts";
import { hashedBytes, LEGACY_DIGEST_SIZE } from "./template-data.ts";

/** A template of which only the layout is known. */
const ANY: Template = { name: "", nameBytes: new Uint8Array(), fields: [], legacy: false };
/** The one that has another layout. */
const LEGACY: readonly Template[] = [
  { name: "ima", nameBytes: Buffer.from("ima"), fields: [], legacy: true },
];

/** PCRs of a TPM as Linux numbers them; a record that names a higher one is not a record. */
const PCR_COUNT = 32;

export interface RecordReaderOptions {
  /** Templates that a record may have; null for any, which can be hashed without knowing its fields. */
  readonly templates: readonly Template[] | null;
  /** Index in the host list of the first record in these bytes, for error messages. */
  readonly firstIndex: number;
  /** Whose digests the list shows: `binary_runtime_measurements` those of SHA-1, `…_sha256` those of SHA-256. */
  readonly column: HashName;
}

/**
 * Walks over the records of a little-endian list, one at a time and without an object for each: the fields are those of
 * the record that `next` has read last. Looks at headers only.
 */
export class RecordReader {
  pcr = 0;
  /** The list gives zeros for its digest. */
  violation = false;
  template: Template = ANY;
  /** The fields as they stand in the list: a view on it. */
  data: Uint8Array = new Uint8Array();
  /** What the kernel has hashed, unless it is a violation; mostly the same. */
  hashed: Uint8Array = new Uint8Array();
  /** Where the digest in the list begins. */
  listDigestAt = 0;
  /** Bytes of whole records read so far. */
  end = 0;
  /** Index in the host list of the next record. */
  index: number;
  readonly #reader: ByteReader;
  readonly #templates: readonly Template[] | null;
  readonly #digestSize: number;

  constructor(bytes: Uint8Array, { templates, firstIndex, column }: RecordReaderOptions) {
    this.index = firstIndex;
    this.#reader = new ByteReader(bytes);
    this.#templates = templates;
    this.#digestSize = HASH_ALGORITHMS[column].size;
  }

  /**
   * Reads the next record; false when not all of it is there. What is there is refused as soon as it is wrong.
   *
   * @throws NsImaError `LIST_PCR`, `LIST_BIG_ENDIAN`, `LIST_LIMIT`, `LIST_TEMPLATE_UNSUPPORTED`
   */
  next(): boolean {
    const reader = this.#reader;
    if (reader.remaining < 4) return false;
    this.pcr = reader.u32le();
    if (this.pcr >= PCR_COUNT) throw this.#noPcr();

    if (reader.remaining < this.#digestSize + 4) return false;
    this.listDigestAt = reader.offset;
    let bits = 0;
    for (let size = this.#digestSize; size > 0; size -= 4) bits |= reader.u32le();
    this.violation = bits === 0;
    const nameLength = this.#length(LIST_NAME_MAX);
    if (reader.remaining < nameLength) return false;
    this.template = this.#named(nameLength);

    if (!(this.template.legacy ? this.#readLegacy() : this.#readData())) return false;
    this.index++;
    this.end = reader.offset;
    return true;
  }

  #readData(): boolean {
    const reader = this.#reader;
    if (reader.remaining < 4) return false;
    const length = this.#length(LIST_DATA_MAX);
    if (reader.remaining < length) return false;
    this.data = reader.bytes(length);
    this.hashed = this.data;
    return true;
  }

  #readLegacy(): boolean {
    const reader = this.#reader;
    if (reader.remaining < LEGACY_DIGEST_SIZE + 4) return false;
    const digest = reader.bytes(LEGACY_DIGEST_SIZE);
    const length = this.#length(LEGACY_PATH_MAX);
    if (reader.remaining < length) return false;
    const path = reader.bytes(length);
    this.data = new ByteWriter().bytes(digest).u32le(length).bytes(path).finish();
    this.hashed = hashedBytes(this.template, this.data);
    return true;
  }

  /** A length, refused before anybody waits for that many bytes. */
  #length(limit: number): number {
    const length = this.#reader.u32le();
    if (length > limit) {
      throw new NsImaError(
        "LIST_LIMIT",
        `record ${this.index} declares ${length} bytes, at most ${limit}`,
      );
    }
    return length;
  }

  #named(length: number): Template {
    const reader = this.#reader;
    for (const template of this.#templates ?? LEGACY) {
      if (template.nameBytes.length === length && reader.startsWith(template.nameBytes)) {
        reader.skip(length);
        return template;
      }
    }
    if (this.#templates === null) {
      reader.skip(length);
      return ANY;
    }
    const name = displayPath(bytePathFromBytes(reader.bytes(length)));
    const pinned = this.#templates.map((template) => template.name).join(", ");
    throw new NsImaError(
      "LIST_TEMPLATE_UNSUPPORTED",
      `record ${this.index} has the template "${name}"; pinned: ${pinned}`,
    );
  }

  #noPcr(): NsImaError {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(this.pcr);
    return bytes.readUInt32BE() < PCR_COUNT
      ? new NsImaError(
          "LIST_BIG_ENDIAN",
          `record ${this.index} is big-endian; boot the host with ima_canonical_fmt`,
        )
      : new NsImaError("LIST_PCR", `record ${this.index} begins with ${this.pcr}, no PCR number`);
  }
}
