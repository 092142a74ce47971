// SPDX-License-Identifier: Apache-2.0

import { listPins, parseMeasurementList } from "@nsattest/ns-ima";
import { ByteWriter } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";

const SHORT = "d|n";
const ALL = "d-ngv2|n-ng|iuid|imode|xattrnames|xattrlengths|evmsig";
const { templates } = listPins({
  bank: "sha256",
  pcrs: [10],
  templates: ["ima", "ima-ngv2", SHORT, ALL],
  paddedSha1: false,
});

const PATH = "/a\0";
const DIGEST = `ima:sha256:\0${"d".repeat(32)}`;

function fields(...values: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writer.u32le(value.length).bytes(Buffer.from(value, "latin1"));
  return writer.finish();
}

/** A record with `content` behind its name, said to be a violation, so that nothing is compared with its digest. */
function parsed(template: string, content: Uint8Array, hasLength = true): () => unknown {
  const writer = new ByteWriter().u32le(10).bytes(new Uint8Array(20)).u32le(template.length);
  writer.bytes(Buffer.from(template));
  if (hasLength) writer.u32le(content.length);
  const bytes = writer.bytes(content).finish();
  return () => parseMeasurementList(bytes, { templates });
}

/** Fields of templates that a verifier may pin, and does not unless it is told to. */
describe("a record of another template", () => {
  const refused = expect.objectContaining({ code: "LIST_TEMPLATE_FIELDS" });

  it("refuses a path that is none in a record of ima", () => {
    const record = (path: string): Uint8Array =>
      new ByteWriter()
        .bytes(new Uint8Array(20))
        .u32le(path.length)
        .bytes(Buffer.from(path))
        .finish();
    expect(parsed("ima", record("/bin/sh"), false)).not.toThrow();
    expect(parsed("ima", record("/bin/sh\0/tmp"), false)).toThrow(refused);
  });

  it("refuses a digest of no size in a record of ima", () => {
    for (const size of [16, 20])
      expect(parsed(SHORT, fields("d".repeat(size), PATH))).not.toThrow();
    for (const size of [0, 15, 32])
      expect(parsed(SHORT, fields("d".repeat(size), PATH))).toThrow(refused);
  });

  it("refuses a digest that does not say of what it is", () => {
    expect(parsed("ima-ngv2", fields(DIGEST, PATH))).not.toThrow();
    expect(parsed("ima-ngv2", fields(DIGEST.replace("ima:", "verity:"), PATH))).not.toThrow();
    for (const digest of [DIGEST.slice(4), DIGEST.replace("ima:", "Verity:")]) {
      expect(parsed("ima-ngv2", fields(digest, PATH))).toThrow(refused);
    }
  });

  it("refuses a path that is too long for its field", () => {
    const digest = "d".repeat(20);
    expect(parsed(SHORT, fields(digest, `${"/".repeat(255)}\0`))).not.toThrow();
    expect(parsed(SHORT, fields(digest, `${"/".repeat(256)}\0`))).toThrow(refused);
  });

  it("refuses an owner, a mode or attributes in another form", () => {
    const good = ["uid_", "m_", "security.ima\0", "size", "\x05"];
    expect(parsed(ALL, fields(DIGEST, PATH, ...good))).not.toThrow();
    for (const at of good.keys()) {
      const bad = good.with(at, at === 4 ? "\x03" : "x");
      expect(parsed(ALL, fields(DIGEST, PATH, ...bad))).toThrow(refused);
    }
  });
});
