// SPDX-License-Identifier: Apache-2.0

import { Buffer } from "node:buffer";
import { generateKeyPairSync, hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KEYS, vectorKey } from "../../test/signature-vectors.ts";
import { NsImaError } from "../error.ts";
import {
  KEYRING_SIZE_MAX,
  KEYS_MAX,
  type KeyringDocument,
  parseKeyring,
} from "./keyring-document.ts";

const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;
const keylime = (members: object): string => JSON.stringify(members);
const fromPem = (text: string) => parseKeyring({ format: "pem", text });
const fromKeylime = (text: string) => parseKeyring({ format: "keylime", text });
const namesOf = (keys: ReturnType<typeof parseKeyring>) =>
  keys.map(({ id, fingerprint }) => ({ id, fingerprint }));

/** As a key of the vectors must come out. */
const EXPECTED = KEYS.map(({ spki, keyId }) => ({ id: keyId, fingerprint: hash("sha256", spki) }));
const RSA = vectorKey("rsa-2048");

function problemsOf(document: KeyringDocument): readonly string[] {
  try {
    parseKeyring(document);
  } catch (error) {
    if (error instanceof NsImaError && error.code === "KEYRING_MALFORMED") return error.problems;
    throw error;
  }
  return [];
}

describe("PEM", () => {
  it("has certificates, whose subject key identifiers are the ids", () => {
    expect(
      namesOf(fromPem(KEYS.map(({ certificate }) => pem("CERTIFICATE", certificate)).join(""))),
    ).toEqual(EXPECTED);
  });

  it("has certificates without that extension, of which the id is computed", () => {
    const { certificate, spki } = vectorKey("skid");
    const other = Buffer.from(
      certificate.toString("hex").replace("0603551d0e", "0603551d7f"),
      "hex",
    );
    expect(namesOf(fromPem(pem("CERTIFICATE", other)))).toEqual(
      namesOf(fromPem(pem("PUBLIC KEY", spki))),
    );
  });

  it("has public keys, of which the id is computed", () => {
    const plain = KEYS.filter(({ name }) => name !== "skid");
    const keys = fromPem(plain.map(({ spki }) => pem("PUBLIC KEY", spki)).join("\n"));
    expect(namesOf(keys)).toEqual(EXPECTED.filter(({ id }) => id !== vectorKey("skid").keyId));
    const [skid] = fromPem(pem("PUBLIC KEY", vectorKey("skid").spki));
    expect(skid?.id).not.toBe(vectorKey("skid").keyId);
  });

  it("has RSA's own public keys", () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const [key] = fromPem(publicKey.export({ format: "pem", type: "pkcs1" }).toString());
    expect(key?.fingerprint).toBe(
      hash("sha256", publicKey.export({ format: "der", type: "spki" })),
    );
  });

  it("may have text around its blocks, and any line ends", () => {
    const text = `Certificate:\r\n    Version: 3 - that is x509 v3\r\n${pem("CERTIFICATE", RSA.certificate)}`;
    expect(fromPem(text.replaceAll("\n", "\r\n"))).toHaveLength(1);
  });

  it.each([
    ["no block", "keys", "0 PEM blocks, of which 0 can be read"],
    [
      "a block that does not end",
      `${pem("PUBLIC KEY", RSA.spki)}-----BEGIN PUBLIC KEY-----\nAA`,
      "2 PEM blocks, of which 1",
    ],
    [
      "a block that ends as another",
      "-----BEGIN A-----\nAA\n-----END B-----\n",
      "1 PEM blocks, of which 0",
    ],
    ["a private key", pem("PRIVATE KEY", RSA.spki), "block 1: PRIVATE KEY: a keyring holds"],
    [
      "no base64",
      "-----BEGIN PUBLIC KEY-----\n*\n-----END PUBLIC KEY-----\n",
      "block 1: not base64",
    ],
    ["a key named certificate", pem("CERTIFICATE", RSA.spki), "block 1: "],
    ["a certificate named key", pem("PUBLIC KEY", RSA.certificate), "block 1: "],
    [
      "a byte behind a key",
      pem("PUBLIC KEY", Buffer.concat([RSA.spki, Buffer.of(0)])),
      "block 1: ",
    ],
    [
      "a byte behind a certificate",
      pem("CERTIFICATE", Buffer.concat([RSA.certificate, Buffer.of(0)])),
      "block 1: ",
    ],
    ["nothing in a block", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "block 1: "],
  ])("is refused with %s", (_, text, problem) => {
    const problems = problemsOf({ format: "pem", text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it("is refused with all its problems at once", () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
    const text =
      weak.export({ format: "pem", type: "spki" }) +
      pem("PUBLIC KEY", RSA.spki) +
      pem("X", RSA.spki);
    expect(problemsOf({ format: "pem", text })).toEqual([
      "block 1: an RSA key of 1024 bits, not of 2048 to 8192",
      "block 3: X: a keyring holds certificates and public keys only",
    ]);
  });

  it("has so many keys at most, and so many characters", () => {
    const block = pem("PUBLIC KEY", vectorKey("p256").spki);
    expect(fromPem(block.repeat(KEYS_MAX))).toHaveLength(KEYS_MAX);
    expect(problemsOf({ format: "pem", text: block.repeat(KEYS_MAX + 1) })).toEqual([
      `${KEYS_MAX + 1} keys, at most ${KEYS_MAX}`,
    ]);
    const padded = block.padEnd(KEYRING_SIZE_MAX);
    expect(fromPem(padded)).toHaveLength(1);
    expect(problemsOf({ format: "pem", text: `${padded} ` })).toEqual([
      `larger than ${KEYRING_SIZE_MAX} bytes`,
    ]);
  });
});

describe("DER", () => {
  const fromDer = (bytes: Uint8Array) => parseKeyring({ format: "der", bytes });

  it("is one certificate or one key", () => {
    expect(namesOf(KEYS.flatMap(({ certificate }) => fromDer(certificate)))).toEqual(EXPECTED);
    expect(fromDer(RSA.spki)[0]?.id).toBe(RSA.keyId);
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["something else", Buffer.from("hello")],
    ["a key with a byte more", Buffer.concat([RSA.spki, Buffer.of(0)])],
    ["a certificate with a byte less", RSA.certificate.subarray(0, -1)],
    ["too much", Buffer.alloc(KEYRING_SIZE_MAX + 1)],
  ])("is refused when it is %s", (_, bytes) => {
    expect(problemsOf({ format: "der", bytes })).toHaveLength(1);
  });
});

describe("Keylime's keyring", () => {
  const keyids = KEYS.map(({ keyId }) => Number.parseInt(keyId, 16));
  const pubkeys = KEYS.map(({ spki }) => spki.toString("base64"));

  it("has keys and their ids", () => {
    expect(namesOf(fromKeylime(keylime({ meta: { version: 1 }, keyids, pubkeys })))).toEqual(
      EXPECTED,
    );
    expect(fromKeylime(keylime({ keyids: [1], pubkeys: pubkeys.slice(0, 1) }))[0]?.id).toBe(
      "00000001",
    );
  });

  it("may be JSON text of JSON text, and empty", () => {
    const text = keylime({ keyids, pubkeys });
    expect(fromKeylime(JSON.stringify(text))).toEqual(fromKeylime(text));
    expect(fromKeylime(keylime({ keyids: [], pubkeys: [] }))).toEqual([]);
  });

  it.each([
    ["no JSON", "{", "not a JSON object"],
    ["text of no JSON", '"{"', "not a JSON object"],
    ["text of text of JSON", JSON.stringify(JSON.stringify("{}")), "not a JSON object"],
    ["null", "null", "not a JSON object"],
    ["no arrays", "{}", "not two arrays of one length"],
    ["ids without keys", keylime({ keyids: [1] }), "not two arrays of one length"],
    [
      "arrays of different lengths",
      keylime({ keyids: [1], pubkeys: [] }),
      "not two arrays of one length",
    ],
    [
      "an id of 5 bytes",
      keylime({ keyids: [2 ** 32], pubkeys: pubkeys.slice(0, 1) }),
      "keyids[0] is not",
    ],
    ["a negative id", keylime({ keyids: [-1], pubkeys: pubkeys.slice(0, 1) }), "keyids[0] is not"],
    [
      "an id that is text",
      keylime({ keyids: ["1"], pubkeys: pubkeys.slice(0, 1) }),
      "keyids[0] is not",
    ],
    ["a key that is no text", keylime({ keyids: [1], pubkeys: [1] }), "pubkeys[0]: not a string"],
    ["a key that is no base64", keylime({ keyids: [1], pubkeys: ["?"] }), "pubkeys[0]: not base64"],
    ["a key that is none", keylime({ keyids: [1], pubkeys: ["AAAA"] }), "pubkeys[0]: "],
  ])("is refused with %s", (_, text, problem) => {
    const problems = problemsOf({ format: "keylime", text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});
