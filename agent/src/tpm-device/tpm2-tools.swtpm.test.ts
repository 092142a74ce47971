// SPDX-License-Identifier: Apache-2.0

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ByteReader,
  ByteWriter,
  digest,
  type PcrSelection,
  parsePublicArea,
  publicKeyOf,
  verifyQuote,
} from "@nsattest/tpm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runTpm2 } from "../../../test/fakes/tpm2-tools.ts";
import { type Swtpm, startSwtpm } from "../../../test/lab/src/swtpm.ts";
import { connectSwtpm } from "./swtpm.ts";
import { Tpm } from "./tpm.ts";

// tpm2-tools are another implementation of everything here: where both agree, both are probably right.

const TIMEOUT_MS = 60_000;
const NONCE = new Uint8Array(32).fill(0x5a);
const SELECTION: PcrSelection = [{ bank: "sha256", pcrs: [10, 13] }];
/** swtpm_setup keeps its EK, made of the same template, at this handle. */
const PERSISTENT_EK = 0x8101_0001;

let swtpm: Swtpm;
let cwd: string;

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "nsattest-test-"));
  swtpm = await startSwtpm();
}, TIMEOUT_MS);
afterAll(async () => {
  await swtpm.close();
  await rm(cwd, { recursive: true });
});

function tool(name: string, ...args: readonly string[]): Promise<string> {
  return runTpm2(name, args, { cwd, socketPath: swtpm.socketPath });
}

async function withTpm<Result>(use: (tpm: Tpm) => Promise<Result>): Promise<Result> {
  const tpm = new Tpm(await connectSwtpm({ path: swtpm.socketPath }));
  try {
    await tpm.flushLeftovers();
    return await use(tpm);
  } finally {
    await tpm.close();
  }
}

async function file(name: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(join(cwd, name)));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

it("tpm2_pcrread sees what pcrExtend extended, and pcrRead what tpm2_pcrextend did", {
  timeout: TIMEOUT_MS,
}, async () => {
  const [ours, theirs] = [
    digest("sha256", Buffer.from("ours")),
    digest("sha256", Buffer.from("theirs")),
  ];
  await withTpm((tpm) => tpm.pcrExtend(13, new Map([["sha256", ours]])));
  await tool("pcrextend", `10:sha256=${hex(theirs)}`);
  const values = await withTpm((tpm) => tpm.pcrRead(SELECTION));
  expect(values.map(({ value }) => value)).toEqual(
    [theirs, ours].map((value) => digest("sha256", new Uint8Array(32), value)),
  );
  await tool("pcrread", "sha256:10,13", "-o", "pcrs.bin");
  expect(hex(await file("pcrs.bin"))).toBe(values.map(({ value }) => hex(value)).join(""));
});

it("tpm2_readpublic gives the EK the name that readPublic and createEndorsementKey give it", {
  timeout: TIMEOUT_MS,
}, async () => {
  await tool(
    "readpublic",
    "-c",
    `0x${PERSISTENT_EK.toString(16)}`,
    "-n",
    "ek.name",
    "-o",
    "ek.pub",
  );
  const [read, created] = await withTpm(async (tpm) => [
    await tpm.readPublic(PERSISTENT_EK),
    await tpm.createEndorsementKey(),
  ]);
  const name = await file("ek.name");
  expect(read?.name).toEqual(name);
  expect(created?.name).toEqual(name);
  expect(created?.publicArea).toEqual(new ByteReader(await file("ek.pub")).tpm2b());
});

it("tpm2_checkquote accepts our quote, and not with another nonce", {
  timeout: TIMEOUT_MS,
}, async () => {
  await withTpm(async (tpm) => {
    const ek = await tpm.createEndorsementKey();
    const ak = await tpm.loadAttestationKey(ek, await tpm.createAttestationKey(ek));
    const quoted = await tpm.quoteWithPcrs(ak, NONCE, SELECTION);
    await writeFile(join(cwd, "quote.msg"), quoted.attest);
    await writeFile(join(cwd, "quote.sig"), quoted.signature);
    const key = publicKeyOf(parsePublicArea(ak.publicArea));
    await writeFile(join(cwd, "ak.pem"), key.export({ type: "spki", format: "pem" }));
  });
  const check = (nonce: Uint8Array) =>
    runTpm2(
      "checkquote",
      ["-u", "ak.pem", "-m", "quote.msg", "-s", "quote.sig", "-q", hex(nonce)],
      { cwd },
    );
  await check(NONCE);
  await expect(check(NONCE.subarray(1))).rejects.toThrow();
});

it.each([
  ["rsa", "rsassa"],
  ["ecc", "ecdsa"],
])(
  "verifyQuote accepts a quote that tpm2_quote made with an %s key",
  { timeout: TIMEOUT_MS },
  async (type, scheme) => {
    await tool("createek", "-c", "ek.ctx", "-G", "rsa");
    await tool("flushcontext", "-t");
    await tool(
      "createak",
      "-C",
      "ek.ctx",
      "-c",
      "ak.ctx",
      "-G",
      type,
      "-g",
      "sha256",
      "-s",
      scheme,
      "-u",
      "ak.pub",
    );
    await tool("flushcontext", "-t");
    await tool(
      "quote",
      "-c",
      "ak.ctx",
      "-l",
      "sha256:10,13",
      "-q",
      hex(NONCE),
      "-m",
      "their.msg",
      "-s",
      "their.sig",
    );
    const pcrs = await withTpm((tpm) => tpm.pcrRead(SELECTION));
    const quote = verifyQuote({
      akPublic: new ByteReader(await file("ak.pub")).tpm2b(),
      attest: await file("their.msg"),
      signature: await file("their.sig"),
      nonce: NONCE,
      selection: SELECTION,
      pcrs,
    });
    expect(quote.pcrs).toEqual(pcrs);
  },
);

it("activateCredential opens what tpm2_makecredential wrapped", {
  timeout: TIMEOUT_MS,
}, async () => {
  const credential = new Uint8Array(32).fill(0xc3);
  await withTpm(async (tpm) => {
    const ek = await tpm.createEndorsementKey();
    const ak = await tpm.loadAttestationKey(ek, await tpm.createAttestationKey(ek));
    await writeFile(join(cwd, "plain"), credential);
    await writeFile(join(cwd, "ek.pub"), new ByteWriter().tpm2b(ek.publicArea).finish());
    const args = ["-T", "none", "-u", "ek.pub", "-s", "plain", "-n", hex(ak.name), "-o", "wrapped"];
    await runTpm2("makecredential", args, { cwd });
    const reader = new ByteReader(await file("wrapped"));
    reader.bytes(8); // the tool's magic number and version
    const wrapped = { credentialBlob: reader.tpm2b(), secret: reader.tpm2b() };
    reader.end();
    expect(await tpm.activateCredential(ak, ek, wrapped)).toEqual(credential);
  });
});
