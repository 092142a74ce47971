// SPDX-License-Identifier: Apache-2.0

import type { CborValue } from "./cbor.ts";
import { ProtocolError } from "./error.ts";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** How a value of a message is written as CBOR or JSON (`W`), and read again from what anybody may have sent. */
export interface Codec<T, W = CborValue & JsonValue> {
  encode(value: T): W;
  /**
   * @param at path of the field in its message, for the error
   * @throws ProtocolError `FIELD_INVALID`, `FIELD_MISSING`, `FIELD_UNKNOWN`
   */
  decode(wire: unknown, at: string): T;
}

/** One codec for each field, in the order of the message. */
export type Fields<T, W> = { readonly [K in keyof T]-?: Codec<T[K], W> };

/** A list of at most `max` items. */
export function listOf<T, W>(item: Codec<T, W>, max: number): Codec<readonly T[], readonly W[]> {
  return {
    encode: (value) => value.map((each) => item.encode(each)),
    decode(wire, at) {
      const items = listAt(wire, at);
      if (items.length > max) throw invalid(at, `has more than ${max} items`);
      return items.map((each, index) => item.decode(each, `${at}[${index}]`));
    },
  };
}

export function nullable<T, W>(codec: Codec<T, W>): Codec<T | null, W | null> {
  return {
    encode: (value) => (value === null ? null : codec.encode(value)),
    decode: (wire, at) => (wire === null ? null : codec.decode(wire, at)),
  };
}

/** A CBOR array with one item for each field, in the order of `fields`. */
export function rowOf<T extends object>(
  fields: Fields<T, CborValue>,
): Codec<T, readonly CborValue[]> {
  const columns = columnsOf(fields);
  return {
    encode: (value) => columns.map(([name, codec]) => codec.encode(value[name])),
    decode(wire, at) {
      const items = listAt(wire, at);
      if (items.length !== columns.length) throw invalid(at, `has not ${columns.length} items`);
      // A loop, not pairs and `fromEntries`: a log has many rows.
      const row: { [name: string]: T[keyof T] } = {};
      for (const [index, [name, codec]] of columns.entries()) {
        row[name] = codec.decode(items[index], `${at}.${name}`);
      }
      return row as T;
    },
  };
}

/** A CBOR map with exactly the given fields, in their order. */
export function mapOf<T extends object>(
  fields: Fields<T, CborValue>,
): Codec<T, ReadonlyMap<string, CborValue>> {
  const columns = columnsOf(fields);
  return {
    encode: (value) => new Map(columns.map(([name, codec]) => [name, codec.encode(value[name])])),
    decode(wire, at) {
      if (!(wire instanceof Map)) throw invalid(at, "is not a map");
      const value = decodeFields(columns, wire, at, false);
      const names = wire.keys();
      if (columns.some(([name]) => names.next().value !== name)) {
        throw invalid(at, "has its fields in another order");
      }
      return value;
    },
  };
}

export interface ObjectOptions {
  /** Ignore fields we do not know: for answers, which a newer server may extend. Requests never. */
  readonly open?: boolean;
}

/** A JSON object with the given fields; one whose codec is {@link optional} may be absent. */
export function objectOf<T extends object>(
  fields: Fields<T, JsonValue | undefined>,
  options: ObjectOptions = {},
): Codec<T, { readonly [key: string]: JsonValue }> {
  const columns = columnsOf(fields);
  return {
    encode(value) {
      const pairs = columns.map(([name, codec]) => [name, codec.encode(value[name])] as const);
      return Object.fromEntries(pairs.filter(([, wire]) => wire !== undefined)) as {
        readonly [key: string]: JsonValue;
      };
    },
    decode(wire, at) {
      if (typeof wire !== "object" || wire === null || Array.isArray(wire)) {
        throw invalid(at, "is not an object");
      }
      return decodeFields(columns, new Map(Object.entries(wire)), at, options.open === true);
    },
  };
}

/** A JSON object whose keys are read by `key` and whose values by `value`. */
export function recordOf<T>(
  key: Codec<string, string>,
  value: Codec<T, JsonValue>,
): Codec<Readonly<Record<string, T>>, JsonValue> {
  return {
    encode: (record) =>
      Object.fromEntries(Object.entries(record).map(([name, each]) => [name, value.encode(each)])),
    decode(wire, at) {
      if (typeof wire !== "object" || wire === null || Array.isArray(wire)) {
        throw invalid(at, "is not an object");
      }
      return Object.fromEntries(
        Object.entries(wire).map(([name, each]) => [
          key.decode(name, `${at} key`),
          value.decode(each, `${at}.${name}`),
        ]),
      );
    },
  };
}

const OPTIONAL: unique symbol = Symbol("optional");

/** A field of {@link objectOf} that may be absent. */
export function optional<T, W>(codec: Codec<T, W>): Codec<T | undefined, W | undefined> {
  const may = {
    [OPTIONAL]: true,
    encode: (value: T | undefined) => (value === undefined ? undefined : codec.encode(value)),
    decode: (wire: unknown, at: string) => codec.decode(wire, at),
  };
  return may;
}

/** @throws ProtocolError `FIELD_INVALID` */
export function listAt(wire: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(wire)) throw invalid(at, "is not a list");
  return wire;
}

export function invalid(at: string, why: string): ProtocolError {
  return new ProtocolError("FIELD_INVALID", `${at} ${why}`);
}

type Column<T, W> = readonly [name: keyof T & string, codec: Codec<T[keyof T], W>];

function columnsOf<T extends object, W>(fields: Fields<T, W>): readonly Column<T, W>[] {
  return Object.entries(fields) as unknown as readonly Column<T, W>[];
}

function decodeFields<T extends object, W>(
  columns: readonly Column<T, W>[],
  wire: ReadonlyMap<unknown, unknown>,
  at: string,
  open: boolean,
): T {
  const known = columns.filter(([name]) => wire.has(name));
  const missing = columns.find(([name, codec]) => !wire.has(name) && !(OPTIONAL in codec));
  if (missing) throw new ProtocolError("FIELD_MISSING", `${at}.${missing[0]} is missing`);
  if (!open && known.length !== wire.size) {
    const names = new Set<unknown>(columns.map(([name]) => name));
    const unknown = [...wire.keys()].find((key) => !names.has(key));
    // Quoted and cut, for it is the sender's text.
    const shown = JSON.stringify(String(unknown).substring(0, 40));
    throw new ProtocolError("FIELD_UNKNOWN", `${at} has an unknown field ${shown}`);
  }
  const pairs = known.map(([name, codec]) => [name, codec.decode(wire.get(name), `${at}.${name}`)]);
  return Object.fromEntries(pairs) as T;
}
