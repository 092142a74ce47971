// SPDX-License-Identifier: Apache-2.0

import { type Codec, invalid } from "./codec.ts";
import { TEXT_MAX } from "./limits.ts";

// Control characters, line separators, halves of characters: nothing that could forge a line of a log or a terminal.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}]/u;
/** What nearly all texts are, told apart at a fraction of the cost. */
const PLAIN = /^[ -~]*$/;

export interface TextRule {
  /** Characters, {@link TEXT_MAX} by default. */
  readonly max?: number;
  readonly pattern?: RegExp;
  readonly is?: (text: string) => boolean;
}

/** Text in one line, without control characters. May be empty unless `rule` says otherwise. */
export function text(rule: TextRule = {}): Codec<string, string> {
  const max = rule.max ?? TEXT_MAX;
  return {
    encode: (value) => value,
    decode(wire, at) {
      if (typeof wire !== "string") throw invalid(at, "is not text");
      if (wire.length > max) throw invalid(at, `has more than ${max} characters`);
      if (!PLAIN.test(wire) && UNPRINTABLE.test(wire))
        throw invalid(at, "has unprintable characters");
      if (rule.pattern?.test(wire) === false || rule.is?.(wire) === false) {
        throw invalid(at, "is malformed");
      }
      return wire;
    },
  };
}

/** Several lines of ASCII: PEM. */
export function pem(max: number): Codec<string, string> {
  return {
    encode: (value) => value,
    decode(wire, at) {
      if (typeof wire !== "string" || wire.length > max) throw invalid(at, "is not a PEM text");
      if (!/^-----BEGIN [\n\r -~]*$/.test(wire)) throw invalid(at, "is not a PEM text");
      return wire;
    },
  };
}

/** An integer from 0 to `max`. */
export function integer(max: number = Number.MAX_SAFE_INTEGER): Codec<number, number> {
  return {
    encode: (value) => value,
    decode(wire, at) {
      if (!isInteger(wire)) throw invalid(at, "is not an integer");
      const value = wire as number;
      if (value < 0 || value > max) throw invalid(at, `is not between 0 and ${max}`);
      return value;
    },
  };
}

/** JSON has a zero with a sign, too, and would write it again without one. */
function isInteger(wire: unknown): boolean {
  return Number.isSafeInteger(wire) && !Object.is(wire, -0);
}

export const flag: Codec<boolean, boolean> = {
  encode: (value) => value,
  decode(wire, at) {
    if (typeof wire !== "boolean") throw invalid(at, "is neither true nor false");
    return wire;
  },
};

/** One of the given words or numbers. */
export function oneOf<T extends string | number | boolean>(...values: readonly T[]): Codec<T, T> {
  return {
    encode: (value) => value,
    decode(wire, at) {
      const found = values.find((value) => value === wire);
      if (found === undefined) throw invalid(at, `is not ${values.join(" or ")}`);
      return found;
    },
  };
}

/** Bytes in CBOR, `min` to `max` of them. */
export function bytes(min: number, max: number = min): Codec<Uint8Array, Uint8Array> {
  return {
    encode: (value) => value,
    decode(wire, at) {
      if (!(wire instanceof Uint8Array)) throw invalid(at, "is not a byte string");
      return sized(wire, min, max, at);
    },
  };
}

/** Bytes in JSON: base64 with padding (RFC 4648, 4), `min` to `max` of them. */
export function base64(min: number, max: number = min): Codec<Uint8Array, string> {
  return inText("base64", min, max);
}

/** Bytes in JSON: base64url without padding (RFC 4648, 5), `min` to `max` of them. */
export function base64url(min: number, max: number = min): Codec<Uint8Array, string> {
  return inText("base64url", min, max);
}

/** A point in time: ISO 8601 in UTC, as `Date` writes it. */
export const isoTime: Codec<string, string> = {
  encode: (value) => value,
  decode(wire, at) {
    const time = typeof wire === "string" ? Date.parse(wire) : Number.NaN;
    if (Number.isNaN(time) || new Date(time).toISOString() !== wire) {
      throw invalid(at, "is not a time such as 2026-01-31T12:00:00.000Z");
    }
    return wire;
  },
};

function inText(
  encoding: "base64" | "base64url",
  min: number,
  max: number,
): Codec<Uint8Array, string> {
  return {
    encode: (value) => Buffer.from(value).toString(encoding),
    decode(wire, at) {
      if (typeof wire !== "string") throw invalid(at, "is not text");
      // Node skips what it does not know: only the one text that these bytes have is accepted.
      const value = Buffer.from(wire, encoding);
      if (value.toString(encoding) !== wire) throw invalid(at, `is not ${encoding}`);
      return sized(new Uint8Array(value), min, max, at);
    },
  };
}

function sized(value: Uint8Array, min: number, max: number, at: string): Uint8Array {
  if (value.length < min || value.length > max) {
    throw invalid(at, min === max ? `has not ${min} bytes` : `has not ${min} to ${max} bytes`);
  }
  return value;
}
