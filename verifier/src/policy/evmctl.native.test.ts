// SPDX-License-Identifier: Apache-2.0

import { execFileSync, spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKeyring, type Keyring, parseKeyring, SignatureChecks } from "@nsattest/ns-ima";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyEcdsa } from "./ecdsa.ts";

const RSA = ["genrsa", "-traditional"];
const EC = ["ecparam", "-genkey", "-noout", "-name"];
const KEYS: Readonly<Record<string, readonly string[]>> = {
  "rsa-2048": [...RSA, "2048"],
  "rsa-3072": [...RSA, "3072"],
  "P-256": [...EC, "prime256v1"],
  "P-384": [...EC, "secp384r1"],
  "P-521": [...EC, "secp521r1"],
};
const SIGNED = Object.keys(KEYS).flatMap((key) =>
  ["sha256", "sha384", "sha512"].map((algorithm) => [key, algorithm] as const),
);

const { CI } = process.env;
const installed = spawnSync("evmctl", ["--version"]).error === undefined;

// The tool that signs files for IMA, of ima-evm-utils, with keys that openssl makes anew each time.
describe.skipIf(!installed && CI === undefined)("evmctl", () => {
  let folder = "";
  let ring: Keyring;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "nsattest-evmctl-"));
    for (const [name, [command = "", ...options]] of Object.entries(KEYS)) {
      run("openssl", command, "-out", `${name}.key`, ...options);
      run(
        "openssl",
        "req",
        "-x509",
        "-new",
        "-key",
        `${name}.key`,
        "-subj",
        "/CN=x",
        "-out",
        `${name}.pem`,
      );
    }
    const text = Object.keys(KEYS)
      .map((name) => readFileSync(join(folder, `${name}.pem`), "utf8"))
      .join("");
    const keys = parseKeyring({ format: "pem", text });
    ring = createKeyring(keys, new Set(), new SignatureChecks(verifyEcdsa));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(program: string, ...argv: readonly string[]): void {
    execFileSync(program, argv, { cwd: folder, stdio: "pipe" });
  }

  /** What a kernel would put into the `sig` field for a file with this content. */
  function sign(
    content: string,
    key: string,
    algorithm: string,
    ...more: readonly string[]
  ): Buffer {
    writeFileSync(join(folder, "file"), content);
    run("evmctl", "ima_sign", "--sigfile", "-a", algorithm, "--key", `${key}.key`, ...more, "file");
    return readFileSync(join(folder, "file.sig"));
  }

  const digestOf = (algorithm: string, content: string) => ({
    algorithm,
    value: hash(algorithm, content, "buffer"),
  });

  it.each(SIGNED)("signs with %s over %s", (key, algorithm) => {
    const signature = sign("content", key, algorithm);
    expect(ring.judge(signature, digestOf(algorithm, "content"))).toBe("valid");
    expect(ring.judge(signature, digestOf(algorithm, "contents"))).toBe("invalid");
  });

  it.each(["rsa-2048", "rsa-3072"])("signs with %s in version 1", (key) => {
    const signature = sign("content", key, "sha256", "--rsa");
    expect(signature[1]).toBe(1);
    expect(ring.judge(signature, digestOf("sha256", "content"))).toBe("valid");
    expect(ring.judge(signature, digestOf("sha256", "contents"))).toBe("invalid");
    const other = sign("other", key, "sha256", "--rsa");
    expect(ring.judge(other, digestOf("sha256", "content"))).toBe("invalid");
  });

  it("signs over SHA-1, which does not count", () => {
    const signature = sign("content", "rsa-2048", "sha1");
    expect(ring.judge(signature, digestOf("sha1", "content"))).toBe("invalid");
  });

  it("may name a key as it likes, which is then not found", () => {
    const signature = sign("content", "P-256", "sha256", "--keyid", "01020304");
    expect(ring.judge(signature, digestOf("sha256", "content"))).toBe("unknown-key");
  });
});
