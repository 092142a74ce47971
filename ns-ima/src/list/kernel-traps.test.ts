// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { HashName } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { asciiForm, TEMPLATE_NAMES } from "../../test/ascii-form.ts";
import { type KernelVector, vectorsOf } from "../../test/kernel-vector.ts";
import { vectorKey } from "../../test/signature-vectors.ts";
import { ContentCache } from "./content-cache.ts";
import { isBootAggregate, type ListEntry } from "./entry.ts";
import { listPins } from "./list-pins.ts";
import { parseMeasurementList } from "./measurement-list.ts";
import { initialListState, type ReplayedList, replayList } from "./replay.ts";

const pins = (bank: HashName, paddedSha1 = false) =>
  listPins({ bank, pcrs: [10, 11, 12], templates: TEMPLATE_NAMES, paddedSha1 });

function parse({ list }: KernelVector): readonly ListEntry[] {
  return parseMeasurementList(list, { templates: pins("sha256").templates }).entries;
}

/** Replays `list` to what the TPM of this boot had. */
function replay({ pcrs }: KernelVector, list: Buffer, bank: HashName = "sha256"): ReplayedList {
  const quoted = new Map(
    [10, 11, 12].map((index) => [index, pcrs.get(bank)?.[index] ?? Buffer.alloc(0)]),
  );
  return replayList(initialListState(pins(bank)), list, quoted, new ContentCache());
}

function entryOf(vector: KernelVector, path: string, template?: string): ListEntry {
  const found = parse(vector).find(
    (entry) =>
      entry.path === path &&
      !entry.violation &&
      (template === undefined || entry.template === template),
  );
  if (found === undefined) throw new Error(`no entry for ${path}`);
  return found;
}

/** Where the record of `entry` begins. */
function startOf(vector: KernelVector, entry: ListEntry): number {
  return Math.max(0, ...parse(vector).flatMap(({ end }) => (end < entry.end ? [end] : [])));
}

function altered(list: Buffer, alter: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(list);
  alter(copy);
  return copy;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe.each(vectorsOf("templates"))("traps in the list of $name", (vector) => {
  it("1: its digests are SHA-1 whatever was extended, and as text it has more lines than records", () => {
    const entries = parse(vector);
    expect(entries.every(({ listDigest }) => listDigest.length === 20)).toBe(true);
    expect(entries.every(({ templateDigest }) => templateDigest.length === 32)).toBe(true);
    const lines = vector.ascii.toString("latin1").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(entries.length);
  });

  it("2: a violation extends ones, and the file's own record follows or precedes it", () => {
    const violations = parse(vector).filter(({ violation }) => violation);
    expect(violations).toHaveLength(8);
    expect(new Set(violations.map(({ listDigest }) => hex(listDigest)))).toEqual(
      new Set(["00".repeat(20)]),
    );
    for (const { path } of violations) expect(entryOf(vector, path).digest).not.toBeNull();
  });

  it("3: a violation has the default template and PCR 10 whatever its rule says", () => {
    for (const how of ["open-writer", "tomtou"]) {
      for (const owner of ["default", "pcr-11", "evm-sig", "ima"]) {
        const path = `/v/${how}-${owner}`;
        const violation = parse(vector).find((entry) => entry.violation && entry.path === path);
        expect(violation).toMatchObject({ pcr: 10, template: "ima-sig", digest: null });
        const file = entryOf(vector, path);
        expect(file.pcr).toBe(owner === "pcr-11" ? 11 : 10);
        expect(file.template).toBe({ default: "ima-sig", "pcr-11": "ima-ng" }[owner] ?? owner);
      }
    }
  });

  it("3: nothing in a violation is proven, not even its path", () => {
    const list = altered(vector.list, (copy) => {
      const violation = parse(vector).find((entry) => entry.violation);
      copy.write("X", (violation?.end ?? 0) - 10, "latin1");
    });
    const { contents } = replay(vector, list);
    expect(contents).toHaveLength(vector.count);
    expect(contents.map(({ path }) => path)).not.toEqual(parse(vector).map(({ path }) => path));
  });

  it("4: the legacy template is hashed as 276 bytes, has no NUL and no long paths", () => {
    const entry = entryOf(vector, "/v/ima");
    const padded = Buffer.alloc(276);
    Buffer.from(entry.digest?.value ?? []).copy(padded);
    padded.write(entry.path, 20, "latin1");
    expect(hex(entry.templateDigest)).toBe(createHash("sha256").update(padded).digest("hex"));
    expect(vector.list.readUInt8(entry.end - 1)).toBe("a".charCodeAt(0));
    expect(entryOf(vector, "name").template).toBe("ima");
    expect(entryOf(vector, `/v/ima-ng-${"long/".repeat(60)}name`).template).toBe("ima-ng");
  });

  it("5: a path keeps its bytes but for the spaces", () => {
    for (const template of ["ima", "ima-ng"]) {
      for (const name of [
        "two__spaces_and_an_underscore",
        "tab\tnewline\nescape\x1b[2J",
        "not_UTF-8_\xff\xfe\xe4",
        "UTF-8_\xc3\xa4",
      ]) {
        expect(entryOf(vector, `/v/${template}-${name}`).template).toBe(template);
      }
    }
  });

  it("7: an attribute that nobody vouches for chooses the algorithm of the file's digest", () => {
    const algorithm = (name: string): string | undefined =>
      entryOf(vector, `/v/${name}`).digest?.algorithm;
    expect(algorithm("ima-sig")).toBe("sha256");
    expect(algorithm("xattr-sha1")).toBe("sha1");
    expect(algorithm("xattr-sha1-ng")).toBe("sha1");
    expect(algorithm("xattr-md5")).toBe("md5");
    expect(algorithm("v2-rsa-sha1-ima-sig")).toBe("sha1");
  });

  it("15: the PCR number of a record is proven by the replay only", () => {
    const entry = entryOf(vector, "/v/pcr-11");
    const list = altered(vector.list, (copy) => {
      copy.writeUInt32LE(10, startOf(vector, entry));
    });
    expect(() => replay(vector, list)).toThrow(
      expect.objectContaining({ code: "LIST_REPLAY_MISMATCH" }),
    );
  });

  it("15: a file relabelled as a buffer still replays, and stays a file", () => {
    const entry = entryOf(vector, "/v/ima-sig");
    const list = altered(vector.list, (copy) => {
      copy.write("ima-buf", startOf(vector, entry) + 28, "latin1");
    });
    const { contents } = replay(vector, list);
    const relabelled = contents.find(({ path }) => path === "/v/ima-sig");
    expect(relabelled).toMatchObject({ template: "ima-buf", kind: "file", buffer: null });
  });

  it("15: a signed file relabelled as a buffer is none", () => {
    const entry = entryOf(vector, "/v/v2-rsa-sha256-ima-sig");
    const list = altered(vector.list, (copy) => {
      copy.write("ima-buf", startOf(vector, entry) + 28, "latin1");
    });
    expect(() => replay(vector, list)).toThrow(
      expect.objectContaining({ code: "LIST_TEMPLATE_FIELDS" }),
    );
  });

  it("17: the key id in a signature is of the bare key, or whatever the signer wrote", () => {
    for (const [file, name] of [
      ["v2-rsa-sha256", "rsa-2048"],
      ["v2-p256-sha256", "p256"],
    ] as const) {
      const { signature } = entryOf(vector, `/v/${file}-ima-sig`);
      const { spki } = vectorKey(name);
      // The bit string is the last element: its contents follow the algorithm's, up to the end.
      const bare = spki.subarray(name === "p256" ? -65 : -270);
      const id = hex(signature?.slice(3, 7) ?? new Uint8Array());
      expect(createHash("sha1").update(bare).digest("hex").slice(-8)).toBe(id);
      expect(createHash("sha1").update(spki).digest("hex").slice(-8)).not.toBe(id);
    }
    const { signature } = entryOf(vector, "/v/v2-key-id-of-certificate-ima-sig");
    expect(hex(signature?.slice(3, 7) ?? new Uint8Array())).toBe(vectorKey("skid").keyId);
  });

  it("18: sig may hold a portable EVM signature, which does not cover the digest beside it", () => {
    const { signature } = entryOf(vector, "/v/portable-p256-ima-sig");
    expect(signature?.[0]).toBe(5);
    expect(entryOf(vector, "/v/portable-p256-evm-sig").signature).toBeNull();
  });

  it("a file without a path has the name of a key, a command line or the aggregate, and is a file", () => {
    for (const name of ["boot_aggregate", "kernel_version", ".ima"]) {
      for (const template of ["ima", "ima-sig", "ima-buf"]) {
        const found = parse(vector).filter(
          (entry, index) => index > 1 && entry.path === name && entry.template === template,
        );
        expect(found.length).toBeGreaterThan(0);
        for (const { kind, buffer } of found) expect([kind, buffer]).toEqual(["file", null]);
      }
    }
    const [, version] = parse(vector);
    expect(version).toMatchObject({ kind: "buffer", path: "kernel_version" });
    expect(Buffer.from(version?.buffer ?? []).toString()).toBe(vector.about.kernel);
  });

  it("an fs-verity digest is no digest of the content", () => {
    const { digest } = entryOf(vector, "/v/verity");
    expect(digest?.algorithm).toBe("verity:sha256");
    const content = createHash("sha256").update("ima-sigv2\n").digest("hex");
    const plain = entryOf(vector, "/v/verity-by-content").digest;
    expect(plain?.algorithm).toBe("sha256");
    expect(hex(plain?.value ?? new Uint8Array())).toBe(content);
  });
});

describe.each(vectorsOf("sha384-bank-only"))("traps in the list of $name", (vector) => {
  it("2: an aggregate of zeros is a record like any other, and no boot aggregate", () => {
    const [first] = parse(vector);
    expect(first).toMatchObject({ path: "boot_aggregate", violation: false });
    expect(first?.digest).toEqual({ algorithm: "sha256", value: new Uint8Array(32) });
    expect(first !== undefined && isBootAggregate(first)).toBe(false);
  });
});

describe.each(vectorsOf("custom-template"))("traps in the list of $name", (vector) => {
  it("2: the aggregate is a digest of PCRs 0 to 9 as the kernel found them", () => {
    const { templates } = listPins({
      ...{ bank: "sha256", pcrs: [10], paddedSha1: false },
      templates: [...TEMPLATE_NAMES, vector.about.template],
    });
    const [first] = parseMeasurementList(vector.list, { templates }).entries;
    const pcrs = Buffer.concat(vector.pcrs.get("sha256")?.slice(0, 10) ?? []);
    expect(hex(first?.digest?.value ?? new Uint8Array())).toBe(
      createHash("sha256").update(pcrs).digest("hex"),
    );
    expect(first !== undefined && isBootAggregate(first)).toBe(true);
    expect(first === undefined ? "" : asciiForm(first).toString()).toMatch(
      / boot_aggregate {3}\n$/,
    );
  });
});

describe.each(vectorsOf("templates").filter(({ name }) => name.startsWith("6.1.")))(
  "traps in the list of $name",
  (vector) => {
    it("6: its SHA-384 bank holds SHA-1 digests with zeros behind them", () => {
      expect(() => replay(vector, vector.list, "sha384")).toThrow(
        expect.objectContaining({ code: "LIST_REPLAY_MISMATCH" }),
      );
      let value = Buffer.alloc(48);
      for (const { pcr, violation, listDigest } of parse(vector)) {
        if (pcr !== 10) continue;
        const extended = violation
          ? Buffer.alloc(48, 0xff)
          : Buffer.concat([listDigest, Buffer.alloc(28)]);
        value = createHash("sha384").update(value).update(extended).digest();
      }
      expect(hex(value)).toBe(hex(vector.pcrs.get("sha384")?.[10] ?? new Uint8Array()));
    });
  },
);
