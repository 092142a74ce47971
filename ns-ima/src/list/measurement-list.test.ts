// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, hash, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeEntry } from "./encode-entry.ts";
import { parseMeasurementList } from "./measurement-list.ts";
import { compileTemplate } from "./template.ts";

interface KernelRecord {
  readonly name: string;
  readonly record: string;
  readonly extended: string;
}

const VECTORS = new URL("../../test/vectors/kernel-7.2.13/records.json", import.meta.url);
const TEMPLATES = [
  "ima",
  "ima-ng",
  "ima-sig",
  "ima-ngv2",
  "ima-sigv2",
  "ima-buf",
  "d-ng|n-ng|iuid|igid|imode",
].flatMap((name) => compileTemplate(name) ?? []);
const records = JSON.parse(readFileSync(VECTORS, "utf8")) as KernelRecord[];

function bytesOf(...names: string[]): Buffer {
  return Buffer.concat(
    names.map((name) =>
      Buffer.from(records.find((record) => record.name === name)?.record ?? "", "hex"),
    ),
  );
}

describe("records of a real kernel", () => {
  it.each(records.filter(({ name }) => name !== "custom-violation"))(
    "reads $name with the digest that the kernel extended",
    ({ name, record, extended }) => {
      const bytes = Buffer.from(record, "hex");
      const { entries, consumed } = parseMeasurementList(bytes, { templates: TEMPLATES });
      expect(consumed).toBe(bytes.length);
      expect(entries).toHaveLength(1);
      expect(entries[0]).toMatchObject({ pcr: 10, template: name, violation: false });
      expect(Buffer.from(entries[0]?.templateDigest ?? []).toString("hex")).toBe(extended);
      expect(entries.map((entry) => encodeEntry(entry))).toEqual([Uint8Array.from(bytes)]);
    },
  );

  it.each([
    ["ima", '"ima"'],
    ["ima-ngv2", '"ima-ngv2"'],
    ["ima-sigv2", '"ima-sigv2"'],
    ["custom-violation", '"d-ng|n-ng|iuid|igid|imode"'],
  ])("refuses %s by name", (name, template) => {
    expect(() => parseMeasurementList(bytesOf("ima-ng", name))).toThrowError(
      expect.objectContaining({
        code: "LIST_TEMPLATE_UNSUPPORTED",
        message: expect.stringContaining(`record 1 has the template ${template}`),
      }),
    );
  });

  it("reads the fields of all templates in one list", () => {
    const { entries } = parseMeasurementList(bytesOf("ima-ng", "ima-buf", "ima-sig"));
    expect(entries.map(({ end }) => end)).toEqual([83, 83 + 124, 83 + 124 + 197]);
    expect(entries.map(({ path }) => path)).toEqual(["/mnt/f2002", "kernel_version", "/mnt/f2013"]);
    expect(entries.map(({ digest }) => digest?.algorithm)).toEqual(["sha1", "sha256", "sha384"]);
    expect(entries.map(({ buffer }) => buffer && Buffer.from(buffer).toString())).toEqual([
      null,
      "7.2.13+deb14-amd64",
      null,
    ]);
    expect(entries.map(({ signature }) => signature?.length)).toEqual([undefined, undefined, 79]);
  });

  it("hands out the very signature that the key made over the file", () => {
    const content = Buffer.from("content ec\n");
    const point = /^ {4}04([0-9a-f]{64})([0-9a-f]{64})$/m.exec(
      readFileSync(new URL("../README.md", VECTORS), "utf8"),
    );
    const coordinate = (group: number): string =>
      Buffer.from(point?.[group] ?? "", "hex").toString("base64url");
    const key = createPublicKey({
      format: "jwk",
      key: { kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(2) },
    });
    const [entry] = parseMeasurementList(bytesOf("ima-sig")).entries;
    expect(entry?.digest?.value).toEqual(new Uint8Array(hash("sha384", content, "buffer")));
    // Type, version, algorithm, 4 bytes of key id and 2 of length come before the signature proper.
    expect(verify("sha384", content, key, entry?.signature?.subarray(9) ?? new Uint8Array())).toBe(
      true,
    );
  });
});

describe("a list that is still growing", () => {
  const bytes = bytesOf("ima-ng", "ima-sig");

  it("is empty when nothing is there", () => {
    expect(parseMeasurementList(new Uint8Array())).toEqual({ entries: [], consumed: 0 });
  });

  it("leaves a last record unconsumed wherever it is cut", () => {
    for (let length = 0; length < bytes.length; length++) {
      const { entries, consumed } = parseMeasurementList(bytes.subarray(0, length));
      expect(consumed).toBe(length < 83 ? 0 : 83);
      expect(entries).toHaveLength(length < 83 ? 0 : 1);
    }
  });

  it("names records by their index in the host list", () => {
    expect(() => parseMeasurementList(bytesOf("ima-ng", "ima"), { firstIndex: 40 })).toThrow(
      "record 41",
    );
  });
});

it("reads a violation as one that has no digest", () => {
  const violation = {
    pcr: 10,
    template: "ima-sig",
    digest: null,
    path: "/mnt/vio",
    signature: null,
    buffer: null,
  } as const;
  const { entries } = parseMeasurementList(encodeEntry(violation));
  expect(entries).toEqual([
    {
      ...violation,
      kind: "file",
      others: [],
      violation: true,
      listDigest: new Uint8Array(20),
      templateDigest: new Uint8Array(32),
      end: encodeEntry(violation).length,
    },
  ]);
});

it("reads a file measured with ima-buf as a file", () => {
  const file = {
    pcr: 10,
    template: "ima-buf",
    digest: { algorithm: "sha256", value: new Uint8Array(32).fill(7) },
    path: "/bin/sh",
    signature: null,
    buffer: null,
  } as const;
  expect(parseMeasurementList(encodeEntry(file)).entries).toMatchObject([
    { ...file, kind: "file" },
  ]);
});
