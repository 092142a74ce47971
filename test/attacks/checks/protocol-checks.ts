// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const CBOR = "protocol/src/cbor.ts";
const CODEC = "protocol/src/codec.ts";
const SCALAR = "protocol/src/scalar-codec.ts";
const EVENT = "protocol/src/event-codec.ts";

/** What makes bytes a message: one reading, bounded, with nothing in it that is not expected. */
export const PROTOCOL_CHECKS = {
  "cbor-size": {
    file: CBOR,
    excerpt: "if (bytes.length > maxBytes) {",
    without: "if (false) {",
    guards: "a message, and each event in it, has a size that is possible",
    tests: [
      { file: "protocol/src/cbor.test.ts", title: "refuses more bytes than the message may have" },
    ],
  },
  "cbor-shortest": {
    file: CBOR,
    excerpt: "if (value < smallest) throw notStrict(`${value} in more bytes than it needs`);",
    without: "",
    guards: "a number has one spelling",
  },
  "cbor-key-once": {
    file: CBOR,
    excerpt: 'if (map.size !== size) throw notStrict("a key twice");',
    without: "",
    guards: "a field is there once",
  },
  "cbor-utf8": {
    file: CBOR,
    excerpt: 'if (!isUtf8(bytes)) throw notStrict("text that is no UTF-8");',
    without: "",
    guards: "no bytes are read as a text that they are not",
  },
  "cbor-end": {
    file: CBOR,
    excerpt: "    reader.end();\n    return value;",
    without: "    return value;",
    guards: "a message is one item",
  },
  "cbor-depth": {
    file: CBOR,
    excerpt:
      'if (depth > CBOR_DEPTH_MAX) throw new ProtocolError("CBOR_LIMIT", "CBOR is nested too deeply");',
    without: "",
    guards: "nesting does not exhaust the stack",
  },
  "cbor-items": {
    file: CBOR,
    excerpt:
      'if (budget.items === 0) throw new ProtocolError("CBOR_LIMIT", "CBOR has too many items");',
    without: "",
    guards: "a small message does not become a large object",
  },
  "cbor-types": {
    file: CBOR,
    excerpt: "    default:\n      throw forbidden(initial);\n  }\n}\n\n/** The number",
    without: "    default:\n      return null;\n  }\n}\n\n/** The number",
    guards: "no tag, float or negative number is taken for something else",
  },
  "cbor-indefinite": {
    file: CBOR,
    excerpt:
      "return atLeast(2 ** 32, reader.u64());\n    default:\n      throw forbidden(initial);",
    without: "return atLeast(2 ** 32, reader.u64());\n    default:\n      return 0;",
    guards: "a length is a number",
  },
  "cbor-key": {
    file: CBOR,
    excerpt: 'if (typeof key !== "string") {\n          throw',
    without: "if (false) {\n          throw",
    guards: "keys of a map are texts",
  },
  "field-list-length": {
    file: CODEC,
    excerpt: "if (items.length > max) throw invalid(at, `has more than ${max} items`);",
    without: "",
    guards: "a list has a length that is possible",
  },
  "field-list": {
    file: CODEC,
    excerpt: 'if (!Array.isArray(wire)) throw invalid(at, "is not a list");\n  return wire;',
    without: "return wire as readonly unknown[];",
    guards: "what is read as a list is one",
  },
  "field-row-length": {
    file: CODEC,
    excerpt:
      "if (items.length !== columns.length) throw invalid(at, `has not ${columns.length} items`);",
    without: "",
    guards: "an event or record has its fields and no more",
  },
  "field-map": {
    file: CODEC,
    excerpt: 'if (!(wire instanceof Map)) throw invalid(at, "is not a map");',
    without: "if (!(wire instanceof Map)) return {} as T;",
    guards: "evidence is a map",
  },
  "field-order": {
    file: CODEC,
    excerpt: "if (columns.some(([name]) => names.next().value !== name)) {",
    without: "if (false) {",
    guards: "evidence has one spelling",
  },
  "field-object": {
    file: CODEC,
    excerpt:
      'if (typeof wire !== "object" || wire === null || Array.isArray(wire)) {\n        throw invalid(at, "is not an object");\n      }\n      return decodeFields',
    without: "return decodeFields",
    guards: "a request is an object",
  },
  "field-missing": {
    file: CODEC,
    excerpt:
      'if (missing) throw new ProtocolError("FIELD_MISSING", `${at}.${missing[0]} is missing`);',
    without: "",
    guards: "a field that counts is there",
  },
  "field-unknown": {
    file: CODEC,
    excerpt: "if (!open && known.length !== wire.size) {",
    without: "if (false) {",
    guards: "nothing is said that is not understood",
  },
  "field-text": {
    file: SCALAR,
    excerpt:
      'if (typeof wire !== "string") throw invalid(at, "is not text");\n      if (wire.length',
    without: "if (wire.length",
    guards: "a text is one",
  },
  "field-text-length": {
    file: SCALAR,
    excerpt: "if (wire.length > max) throw invalid(at, `has more than ${max} characters`);",
    without: "",
    guards: "names and labels have a length that can be shown",
  },
  "field-text-printable": {
    file: SCALAR,
    excerpt:
      'if (!PLAIN.test(wire) && UNPRINTABLE.test(wire))\n        throw invalid(at, "has unprintable characters");',
    without: "",
    guards: "no name writes to the terminal or log of who reads it",
  },
  "field-text-form": {
    file: SCALAR,
    excerpt: "if (rule.pattern?.test(wire) === false || rule.is?.(wire) === false) {",
    without: "if (false) {",
    guards: "ids have the form of ids",
  },
  "field-integer": {
    file: SCALAR,
    excerpt: 'if (!isInteger(wire)) throw invalid(at, "is not an integer");',
    without: "",
    guards: "a number is one",
  },
  "field-integer-range": {
    file: SCALAR,
    excerpt: "if (value < 0 || value > max) throw invalid(at, `is not between 0 and ${max}`);",
    without: "",
    guards: "a number is in its range",
  },
  "field-flag": {
    file: SCALAR,
    excerpt: 'if (typeof wire !== "boolean") throw invalid(at, "is neither true nor false");',
    without: "",
    guards: "yes or no is not another value that counts as one of them",
  },
  "field-word": {
    file: SCALAR,
    excerpt:
      'if (found === undefined) throw invalid(at, `is not ${values.join(" or ")}`);\n      return found;',
    without: "return wire as T;",
    guards: "only known kinds of events, executions and gaps are there",
  },
  "field-bytes": {
    file: SCALAR,
    excerpt: 'if (!(wire instanceof Uint8Array)) throw invalid(at, "is not a byte string");',
    without: "if (!(wire instanceof Uint8Array)) return Buffer.from(String(wire));",
    guards: "bytes are bytes, not a text that looks like them",
  },
  "field-bytes-size": {
    file: SCALAR,
    excerpt: "if (value.length < min || value.length > max) {",
    without: "if (false) {",
    guards: "tags, salts, nonces and digests have their size",
  },
  "field-base64": {
    file: SCALAR,
    excerpt: "if (value.toString(encoding) !== wire) throw invalid(at, `is not ${encoding}`);",
    without: "",
    guards: "bytes in JSON have one spelling",
  },
  "field-path-nul": {
    file: "protocol/src/ima-codec.ts",
    excerpt: 'if (value.includes(0)) throw invalid(at, "has a NUL");',
    without: "",
    guards: "a path ends where the kernel ends it",
  },
  "field-pcr-size": {
    file: "protocol/src/ima-codec.ts",
    excerpt:
      "if (pcr.value.length !== size) throw invalid(`${at}.value`, `has not ${size} bytes`);",
    without: "",
    guards: "a PCR's value has the size of its bank",
  },
  "evidence-version": {
    file: "protocol/src/evidence.ts",
    excerpt: 'if (wire instanceof Map && wire.has("v") && wire.get("v") !== PROTOCOL_VERSION) {',
    without: "if (false) {",
    guards: "evidence is of the version that is understood",
  },
  "event-violation": {
    file: EVENT,
    excerpt: "if (event.templateDigest.every((byte) => byte === 0) !== event.violation) {",
    without: "if (false) {",
    guards: "a claim is one of a violation or of an entry, not of both",
  },
  "event-labels": {
    file: EVENT,
    excerpt: 'if ([...new Set(keys)].sort().join("\\n") !== keys.join("\\n")) {',
    without: "if (false) {",
    guards: "a label has one value",
  },
  "event-label": {
    file: EVENT,
    excerpt: 'if (items.length !== 2) throw invalid(at, "is not a key and a value");',
    without: "",
    guards: "a label is a key and a value",
  },
  "json-size": {
    file: "protocol/src/json.ts",
    excerpt: "if (bytes.length > maxBytes) {",
    without: "if (false) {",
    guards: "a document has a size that is possible",
    tests: [{ file: "test/attacks/second-line.test.ts", title: "reads no JSON that is too large" }],
  },
  "json-form": {
    file: "protocol/src/json.ts",
    excerpt: 'throw new ProtocolError("JSON_MALFORMED", "not JSON in UTF-8", { cause });',
    without: "return {};",
    guards: "a body that is no JSON is not an empty one",
  },
} as const satisfies Checks;
