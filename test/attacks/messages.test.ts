// SPDX-License-Identifier: Apache-2.0

import { PROTOCOL_VERSION } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect } from "vitest";
import {
  array,
  bytes,
  head,
  map,
  NO,
  NOTHING,
  number,
  type RawCbor,
  text,
} from "../fakes/raw-cbor.ts";
import { type RawFields, rawEvidence, rawFields } from "../fakes/raw-evidence.ts";
import { VerifierBench } from "../fakes/verifier-bench.ts";
import { attack } from "./attack.ts";

let bench: VerifierBench;
beforeAll(async () => {
  bench = await VerifierBench.start();
});
afterAll(() => bench.stop());

/** Sends what `forge` makes of the fields of honest evidence: no evidence at all, so that no verdict changes. */
async function expectNoEvidence(
  forge: (fields: RawFields) => Uint8Array,
  code: string,
): Promise<void> {
  const node = bench.newNode();
  await bench.attest(node);
  const before = await bench.report(node);
  const fields = rawFields(node.evidence(await bench.challenge(node)));
  expect(await bench.submitBytes(node, forge(fields))).toMatchObject({ status: 400, code });
  expect((await bench.report(node)).node).toEqual(before.node);
}

function withField(name: string, value: RawCbor, code: string): Promise<void> {
  return expectNoEvidence((fields) => rawEvidence(fields.set(name, value)), code);
}

/** The same for something in the one record of a log that the evidence has. */
function withRecord(forge: (tag: RawCbor, salt: RawCbor) => RawCbor, code: string): Promise<void> {
  const record = forge(bytes(new Uint8Array(32)), bytes(new Uint8Array(32)));
  return withField("batches", array(array(record)), code);
}

describe("two byte strings never mean the same", () => {
  attack(
    "cbor-shortest",
    "refuses a number in more bytes than it needs",
    "evidence that was signed or logged under one digest is accepted again under another one",
    () => withField("listOffset", number(0, 4), "CBOR_NOT_STRICT"),
  );

  attack(
    "cbor-key-once",
    "refuses a field that is there twice",
    "one reader takes the first list, another one the last, and the node shows each of them its own",
    () =>
      expectNoEvidence((fields) => {
        const pairs = Array.from(fields, ([key, value]) => [text(key), value] as const);
        return map(...pairs, [text("list"), bytes(new Uint8Array(0))]);
      }, "CBOR_NOT_STRICT"),
  );

  attack(
    "cbor-utf8",
    "refuses a text that is no UTF-8",
    "bytes that a reader replaces become a name that somebody else has",
    () => withField("bootId", text(new Uint8Array([0xff, 0xfe])), "CBOR_NOT_STRICT"),
  );

  attack(
    "field-order",
    "refuses fields in another order",
    "the same evidence has as many spellings as its fields have orders",
    () =>
      expectNoEvidence((fields) => rawEvidence(new Map([...fields].reverse())), "FIELD_INVALID"),
  );

  attack(
    "cbor-key",
    "refuses a key that is a byte string",
    "a field is there for readers that take bytes for text, and not for the others",
    () =>
      expectNoEvidence((fields) => {
        const pairs = Array.from(
          fields,
          ([key, value]) => [bytes(Buffer.from(key)), value] as const,
        );
        return map(...pairs);
      }, "CBOR_FORBIDDEN"),
  );

  attack(
    "cbor-indefinite",
    "refuses a length that is left open",
    "evidence is cut where the sender likes, and what follows is another message",
    () => withField("pcrs", Buffer.from([0x9f]), "CBOR_FORBIDDEN"),
  );

  attack(
    "cbor-types",
    "refuses tags, floats and negative numbers",
    "a tag makes the decoder build objects of the sender's choice",
    async () => {
      const tagged = Buffer.concat([head(6, 258), array()]);
      for (const item of [tagged, Buffer.from([0xf9, 0x3c, 0x00]), Buffer.from([0x20])]) {
        await withField("logOffset", item, "CBOR_FORBIDDEN");
      }
    },
  );
});

describe("what is read is what was asked for", () => {
  attack(
    "evidence-version",
    "refuses evidence of another version",
    "a node speaks a version in which something else is checked, or nothing",
    async () => {
      await withField("v", number(0), "VERSION_UNSUPPORTED");
      await withField("v", number(PROTOCOL_VERSION + 1), "VERSION_UNSUPPORTED");
    },
  );

  attack(
    "field-map",
    "refuses evidence that is no map",
    "one message ends the verifier for everybody",
    () => expectNoEvidence((fields) => array(...fields.values()), "FIELD_INVALID"),
  );

  attack(
    "field-missing",
    "refuses evidence without one of its fields",
    "what is not there is not checked",
    async () => {
      for (const name of ["nonce", "signature", "pcrs", "list", "batches"]) {
        const without = (fields: RawFields): Uint8Array => {
          fields.delete(name);
          return rawEvidence(fields);
        };
        await expectNoEvidence(without, "FIELD_MISSING");
      }
    },
  );

  attack(
    "field-unknown",
    "refuses a field that it does not know",
    "a field that only a later version understands is signed and stored by one that does not",
    () => withField("policy", text("host.json"), "FIELD_UNKNOWN"),
  );

  attack(
    "field-list",
    "refuses a list that is none",
    "one message ends the verifier for everybody",
    async () => {
      for (const item of [map(), text("x"), NOTHING, number(1)]) {
        await withField("batches", item, "FIELD_INVALID");
      }
    },
  );

  attack(
    "field-row-length",
    "refuses a record with a field too many",
    "the log carries what is not hashed, under the PCR that vouches for all of it",
    () =>
      expectNoEvidence((fields) => {
        const record = (tag: RawCbor, salt: RawCbor): RawCbor => array(tag, salt, bytes(tag), NO);
        const item = bytes(new Uint8Array(32));
        return rawEvidence(fields.set("batches", array(array(record(item, item)))));
      }, "FIELD_INVALID"),
  );

  attack(
    "field-bytes",
    "refuses a text in the place of bytes",
    "one leaf has two readings, one of bytes and one of their text",
    () => withRecord((tag, salt) => array(tag, salt, text("event")), "FIELD_INVALID"),
  );

  attack(
    "field-bytes-size",
    "refuses tags, salts and nonces of another size",
    "the end of a tag is moved into the salt, the end of a salt into the event: one leaf, two stories",
    async () => {
      const short = bytes(new Uint8Array(31));
      await withRecord((tag, salt) => array(short, salt, tag), "FIELD_INVALID");
      await withRecord((tag) => array(tag, short, tag), "FIELD_INVALID");
      await withField("nonce", short, "FIELD_INVALID");
      await withField("nonce", bytes(new Uint8Array(0)), "FIELD_INVALID");
    },
  );

  attack(
    "field-pcr-size",
    "refuses the value of a PCR that is as long as another bank's",
    "the value of a weaker bank is read as the one of the bank that counts",
    () => {
      const value = bytes(new Uint8Array(20));
      const pcrs = array(...[10, 13].map((index) => array(text("sha256"), number(index), value)));
      return withField("pcrs", pcrs, "FIELD_INVALID");
    },
  );

  attack(
    "field-integer",
    "refuses an offset that is no number",
    "an offset that compares as equal and counts as nothing skips a part of the list",
    () => withField("listOffset", text("0"), "FIELD_INVALID"),
  );

  attack(
    "field-integer-range",
    "refuses a PCR that there is not",
    "PCR 42 is PCR 10 for whoever counts the bits of a selection",
    () => {
      const pcr = array(text("sha256"), number(42), bytes(new Uint8Array(32)));
      return withField("pcrs", array(pcr), "FIELD_INVALID");
    },
  );

  attack(
    "field-text-form",
    "refuses a boot id that is none",
    "a boot is named as the sender likes, a path or a line of somebody's log among the names",
    () => withField("bootId", text("../../etc/passwd"), "FIELD_INVALID"),
  );
});

describe("a redacted log is not evidence", () => {
  attack(
    "field-bytes",
    "refuses records of which only tag and inner hash are shown",
    "the node withholds every event that speaks against it: tag and inner hash replay to the quote",
    async () => {
      await withRecord((tag, inner) => array(tag, inner), "FIELD_INVALID");
      await withRecord((tag, inner) => array(tag, inner, NOTHING), "FIELD_INVALID");
    },
  );

  attack(
    "field-bytes-size",
    "refuses a record whose event is empty",
    "an event is there for the replay and says nothing to whoever judges",
    () => withRecord((tag, salt) => array(tag, salt, bytes(new Uint8Array(0))), "FIELD_INVALID"),
  );

  attack(
    "log-replay",
    "refuses records whose event is its hash",
    "the inner hash stands in the event's place, and what was executed is not told",
    async () => {
      const node = bench.newNode();
      const redacted = node.batches.map((batch) =>
        batch.map((record) => ({ ...record, event: new Uint8Array(32) })),
      );
      const answer = await bench.attest(node, (evidence) => ({ ...evidence, batches: redacted }));
      expect(answer).toMatchObject({ status: 422, code: "ANCHOR_FOREIGN_EXTEND" });
    },
  );
});

describe("a small message costs little", () => {
  attack(
    "cbor-depth",
    "refuses deep nesting",
    "a few kilobytes exhaust the stack of the verifier",
    () => expectNoEvidence(() => Buffer.alloc(100_000, 0x81), "CBOR_LIMIT"),
  );

  attack(
    "cbor-items",
    "refuses more items than evidence can have",
    "three megabytes become three million objects, and a few such messages all of the memory",
    () => {
      const items = 3_000_000;
      const many = Buffer.concat([head(4, items), Buffer.alloc(items, 0xf6)]);
      return expectNoEvidence(() => many, "CBOR_LIMIT");
    },
  );

  attack(
    "field-list-length",
    "refuses more PCRs than there are",
    "each value is sorted and hashed, and none of it counts",
    () => {
      const pcr = array(text("sha256"), number(10), bytes(new Uint8Array(32)));
      return withField("pcrs", array(...Array<RawCbor>(97).fill(pcr)), "FIELD_INVALID");
    },
  );

  attack(
    "bytes-short",
    "refuses a length that is not there",
    "a message is read beyond its end, into what the verifier had in its memory of somebody else",
    async () => {
      for (const length of [20, Number.MAX_SAFE_INTEGER]) {
        await expectNoEvidence(() => head(2, length), "CBOR_MALFORMED");
      }
    },
  );

  attack(
    "bytes-range",
    "refuses a number that JavaScript cannot hold",
    "two offsets that differ are the same number",
    () => {
      const huge = Buffer.from("1b0020000000000001", "hex");
      return withField("listOffset", huge, "CBOR_MALFORMED");
    },
  );
});
