// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { expect, it } from "vitest";
import { ByteReader, ByteWriter } from "./bytes.ts";

const field = fc.oneof(
  fc.record({ verb: fc.constant("u8" as const), value: fc.integer({ min: 0, max: 0xff }) }),
  fc.record({
    verb: fc.constantFrom("u16" as const, "u16le" as const),
    value: fc.integer({ min: 0, max: 0xffff }),
  }),
  fc.record({
    verb: fc.constantFrom("u32" as const, "u32le" as const),
    value: fc.integer({ min: 0, max: 0xffff_ffff }),
  }),
  fc.record({ verb: fc.constantFrom("u64" as const, "u64le" as const), value: fc.maxSafeNat() }),
  fc.record({ verb: fc.constant("tpm2b" as const), value: fc.uint8Array({ maxLength: 600 }) }),
);

it("reads back what was written, in any order of verbs", () => {
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      const writer = new ByteWriter();
      for (const each of fields) {
        if (each.verb === "tpm2b") writer.tpm2b(each.value);
        else writer[each.verb](each.value);
      }
      const reader = new ByteReader(writer.finish());
      expect(fields.map(({ verb }) => reader[verb]())).toEqual(fields.map(({ value }) => value));
      reader.end();
    }),
  );
});
