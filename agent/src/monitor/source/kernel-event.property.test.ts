// SPDX-License-Identifier: Apache-2.0

import { encodeEvent } from "@nsattest/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ringRecord } from "../../../test/ring-record.ts";
import { decodeKernelEvent, type KernelEvent } from "./kernel-event.ts";

function decodeOrNull(record: Uint8Array): KernelEvent | null {
  try {
    return decodeKernelEvent(record);
  } catch (error) {
    expect(error).toMatchObject({ code: "KERNEL_EVENT" });
    return null;
  }
}

it("throws nothing but its own error for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (record) => {
      decodeOrNull(record);
    }),
  );
});

// What the log cannot take would stay in the ring for ever, and everything behind it.
it("gives only what the log can take", () => {
  const uint32 = fc.nat({ max: 0xffff_ffff });
  const fields = fc.record({
    kind: fc.nat({ max: 7 }),
    flags: fc.nat({ max: 63 }),
    cgroup: fc.maxSafeNat(),
    file: fc.maxSafeNat(),
    mountNamespace: uint32,
    pidNamespace: uint32,
    algorithm: fc.oneof(fc.nat({ max: 24 }), uint32),
    digest: fc.oneof(
      fc.constant(new Uint8Array(64)),
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
    ),
    path: fc.uint8Array({ maxLength: 40 }).map((path) => Buffer.from(path).toString("latin1")),
  });
  fc.assert(
    fc.property(fields, (values) => {
      const event = decodeOrNull(ringRecord(values));
      if (event?.kind === "measured") {
        const { templateDigest, violation } = event;
        encodeEvent({ kind: "measured", ns: "host", templateDigest, violation, flags: 0 });
      } else if (event !== null) {
        const { how, path, digest, fsMagic, file } = event;
        encodeEvent({ kind: "exec", ns: "host", how, path, digest, fsMagic, file, flags: 0 });
      }
    }),
  );
});
