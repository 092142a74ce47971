// SPDX-License-Identifier: Apache-2.0

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMA_PCR, type ListPcrs } from "@nsattest/ns-ima";
import {
  assertAttestationKey,
  digest,
  type HashName,
  makeCredential,
  parsePublicArea,
  pcrExtend,
  publicAreaName,
  TpmError,
  verifyQuote,
} from "@nsattest/tpm";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Swtpm, startSwtpm } from "../../../../test/lab/src/swtpm.ts";
import { connectSwtpm } from "../../tpm-device/swtpm.ts";
import { Tpm } from "../../tpm-device/tpm.ts";
import type { TpmTransport } from "../../tpm-device/transport.ts";
import { LogFile } from "../log/log-file.ts";
import { Anchor } from "./anchor.ts";
import { NodeTpm } from "./node-tpm.ts";
import { ANCHOR_PCR } from "./tpm-port.ts";

const SETUP_TIMEOUT_MS = 120_000;
const BANKS: readonly HashName[] = ["sha1", "sha256", "sha384"];
const NONCE = new Uint8Array(32).fill(0x5a);
/** TPM2_Load and TPM2_PCR_Extend. */
const LOAD = 0x157;
const EXTEND = 0x182;
/** TPM2_Quote and TPM2_PCR_Read. */
const QUOTE = 0x158;
const PCR_READ = 0x17e;

let swtpm: Swtpm;
let folder: string;
let akFile: string;
/** The connection in use: the process that has the TPM. */
let tpm: Tpm;
let transport: TpmTransport;

beforeAll(async () => {
  swtpm = await startSwtpm();
}, SETUP_TIMEOUT_MS);
afterAll(() => swtpm.close());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "nsattest-tpm-"));
  akFile = join(folder, "attestation.key");
  await connect();
});

afterEach(async () => {
  await tpm.close();
  rmSync(folder, { recursive: true });
});

async function connect(to: Swtpm = swtpm): Promise<void> {
  transport = await connectSwtpm({ path: to.socketPath });
  tpm = new Tpm({
    transceive: (command) => transport.transceive(command),
    close: () => transport.close(),
  });
  await tpm.flushLeftovers();
}

/** Another process takes over, as after a restart of the monitor. */
async function reopen(to: Swtpm = swtpm): Promise<NodeTpm> {
  await tpm.close();
  await connect(to);
  return NodeTpm.open(tpm, akFile);
}

function anchorValues(): Promise<Uint8Array[]> {
  const selection = BANKS.map((bank) => ({ bank, pcrs: [ANCHOR_PCR] }));
  return tpm.pcrRead(selection).then((values) => values.map(({ value }) => value));
}

/** Does something else instead of the next command with this code. */
function instead(
  commandCode: number,
  act: (send: () => Promise<Uint8Array>) => Promise<Uint8Array>,
): void {
  const transceive = transport.transceive.bind(transport);
  transport.transceive = (command) => {
    if (Buffer.from(command).readUInt32BE(6) !== commandCode) return transceive(command);
    transport.transceive = transceive;
    return act(() => transceive(command));
  };
}

describe("the attestation key", () => {
  it("is made at the first start and kept over restarts", async () => {
    const first = (await NodeTpm.open(tpm, akFile)).identity();
    expect(() => assertAttestationKey(parsePublicArea(first.akPublic))).not.toThrow();
    const kept = readFileSync(akFile);
    expect((await reopen()).identity()).toEqual(first);
    expect(readFileSync(akFile)).toEqual(kept);
  });

  it("is told with the endorsement key and its certificate", async () => {
    const { ekPublic, ekCertificate } = (await NodeTpm.open(tpm, akFile)).identity();
    const ek = await tpm.createEndorsementKey();
    expect(ekPublic).toEqual(ek.publicArea);
    expect(ekCertificate).toEqual(await tpm.readEkCertificate());
  });

  it.each([
    ["empty", (): Uint8Array => new Uint8Array(0)],
    ["cut off", (key: Buffer): Uint8Array => key.subarray(0, key.length - 1)],
    ["longer", (key: Buffer): Uint8Array => Buffer.concat([key, Uint8Array.of(0)])],
    ["altered where the private part is", (key: Buffer): Uint8Array => flipped(key, 60)],
    ["altered at the begin of the private part", (key: Buffer): Uint8Array => flipped(key, 3)],
    ["altered where the public part is", (key: Buffer): Uint8Array => flipped(key, key.length - 9)],
    ["altered in the key's type", (key: Buffer): Uint8Array => flipped(key, publicAt(key) + 1)],
    [
      "altered in the key's attributes",
      (key: Buffer): Uint8Array => flipped(key, publicAt(key) + 7),
    ],
  ])("is made anew when the file is %s", async (_, spoil) => {
    const first = (await NodeTpm.open(tpm, akFile)).identity();
    writeFileSync(akFile, spoil(readFileSync(akFile)));
    const second = (await reopen()).identity();
    expect(second.akPublic).not.toEqual(first.akPublic);
    expect(second.ekPublic).toEqual(first.ekPublic);
    expect((await reopen()).identity()).toEqual(second);
  });

  it("is made anew when the file is of another TPM", async () => {
    const other = await startSwtpm();
    try {
      const first = (await reopen(other)).identity();
      const second = (await reopen()).identity();
      expect(second.ekPublic).not.toEqual(first.ekPublic);
      expect(second.akPublic).not.toEqual(first.akPublic);
    } finally {
      await other.close();
    }
  });

  it.each([
    ["is out of memory", "80010000000a00000902"],
    ["is in lockout", "80010000000a00000921"],
    ["doubts the session", "80010000000a000009a2"],
  ])("is not given up when the TPM %s", async (_, answer) => {
    const first = (await NodeTpm.open(tpm, akFile)).identity();
    await tpm.close();
    await connect();
    instead(LOAD, async () => Buffer.from(answer, "hex"));
    await expect(NodeTpm.open(tpm, akFile)).rejects.toMatchObject({ code: "RESPONSE_CODE" });
    expect((await reopen()).identity()).toEqual(first);
  });

  it("is not given up when the file cannot be read", async () => {
    await expect(NodeTpm.open(tpm, folder)).rejects.toMatchObject({ code: "EISDIR" });
  });

  it("opens what was encrypted for it, and nothing else", async () => {
    const node = await NodeTpm.open(tpm, akFile);
    const { ekPublic, akPublic } = node.identity();
    const credential = new Uint8Array(32).fill(0xc3);
    const akName = publicAreaName(akPublic);
    const good = makeCredential({ ekPublic, akName, credential });
    expect(await node.activate(good.credentialBlob, good.secret)).toEqual(credential);
    const ofAnother = makeCredential({
      ekPublic,
      akName: akName.map((byte) => byte ^ 1),
      credential,
    });
    await expect(node.activate(ofAnother.credentialBlob, ofAnother.secret)).rejects.toThrow(
      TpmError,
    );
    expect(await node.activate(good.credentialBlob, good.secret)).toEqual(credential);
  });
});

describe("the anchor", () => {
  it("is extended in every bank", async () => {
    const node = await NodeTpm.open(tpm, akFile);
    expect(await node.banks()).toEqual(BANKS);
    const before = await anchorValues();
    const digests = new Map(BANKS.map((bank) => [bank, digest(bank, Buffer.from("batch"))]));
    await node.extendAnchor(digests);
    const expected = BANKS.map((bank, n) =>
      digest(bank, before[n] ?? new Uint8Array(0), digests.get(bank) ?? new Uint8Array(0)),
    );
    expect((await anchorValues()).map((value) => Buffer.from(value))).toEqual(
      expected.map((value) => Buffer.from(value)),
    );
    expect(await node.readAnchor("sha256")).toEqual((await anchorValues())[1]);
  });

  it("of a bank that the TPM does not have is not read", async () => {
    const node = await NodeTpm.open(tpm, akFile);
    await expect(node.readAnchor("sha512")).rejects.toMatchObject({ code: "PCR_SELECTION" });
  });

  it.each([
    ["before", false],
    ["after", true],
  ])("is made up for when the process was killed %s the TPM had extended it", async (_, done) => {
    const baseline = (await anchorValues())[1] ?? new Uint8Array(0);
    const logPath = join(folder, "namespace.log");
    const log = new LogFile(logPath);
    const anchor = new Anchor(await NodeTpm.open(tpm, akFile), log, baseline);
    append(log, 1);
    await anchor.flush();
    append(log, 2);
    instead(EXTEND, async (send) => {
      if (done) await send();
      throw new TpmError("DEVICE_CLOSED", "killed");
    });
    await expect(anchor.flush()).rejects.toMatchObject({ code: "DEVICE_CLOSED" });
    log.close();
    const found = new LogFile(logPath);
    append(found, 3);
    await new Anchor(await reopen(), found, baseline).flush();
    expect(found.batchCount).toBe(3);
    // A third process finds log and TPM in agreement, down to the last batch.
    await new Anchor(await reopen(), found, baseline).flush();
    found.close();
  });
});

describe("a quote", () => {
  const noRecall = (): null => null;
  const SELECTION = { bank: "sha256", pcrs: [IMA_PCR, ANCHOR_PCR] } as const;

  function asList(value: Uint8Array | undefined): ListPcrs {
    return new Map([[IMA_PCR, value ?? new Uint8Array(32)]]);
  }

  /** PCR 10 moves after every reading and every quote, as while a container keeps the kernel measuring. Returns its values. */
  async function keepMeasuring(): Promise<Uint8Array[]> {
    const digests = new Map(BANKS.map((bank) => [bank, digest(bank, Buffer.from("entry"))]));
    const [now] = await tpm.pcrRead([{ bank: "sha256", pcrs: [IMA_PCR] }]);
    const values = [now?.value ?? new Uint8Array(0)];
    const transceive = transport.transceive.bind(transport);
    transport.transceive = async (command) => {
      const answer = await transceive(command);
      if (![QUOTE, PCR_READ].includes(Buffer.from(command).readUInt32BE(6))) return answer;
      await transceive(pcrExtend(IMA_PCR, digests).bytes);
      const entry = digests.get("sha256") ?? new Uint8Array(0);
      values.push(digest("sha256", values.at(-1) ?? new Uint8Array(0), entry));
      return answer;
    };
    return values;
  }

  it("of a PCR that never rests is of the value that the list leads to", async () => {
    const node = await NodeTpm.open(tpm, akFile);
    const values = await keepMeasuring();
    const quote = await node.quote(NONCE, SELECTION, (fits) =>
      asList(values.find((value) => fits(asList(value)))),
    );
    const selection = [SELECTION];
    const { akPublic } = node.identity();
    const { pcrs } = verifyQuote({ akPublic, nonce: NONCE, selection, ...quote });
    expect(Buffer.from(pcrs[0]?.value ?? [])).toEqual(Buffer.from(values[1] ?? []));
  });

  it("of a PCR that never rests is not given when the list does not lead to it", async () => {
    const node = await NodeTpm.open(tpm, akFile);
    await keepMeasuring();
    await expect(node.quote(NONCE, SELECTION, noRecall)).rejects.toMatchObject({
      code: "PCRS_MOVING",
    });
  });

  it("is of host list and anchor, and verifies", async () => {
    const node = await NodeTpm.open(tpm, akFile);
    const quote = await node.quote(NONCE, SELECTION, noRecall);
    const selection = [SELECTION];
    const { akPublic } = node.identity();
    const verified = verifyQuote({ akPublic, nonce: NONCE, selection, ...quote });
    expect(verified.pcrs).toEqual(await tpm.pcrRead(selection));
    const { resetCount, restartCount } = await node.clock();
    expect(verified.clock).toMatchObject({ resetCount, restartCount });
  });
});

function append(log: LogFile, n: number): void {
  const [tag, salt] = [new Uint8Array(32).fill(n), new Uint8Array(32).fill(n + 1)];
  log.append([{ tag, salt, event: Uint8Array.of(n) }], n);
}

function flipped(key: Buffer, at: number): Uint8Array {
  const altered = Buffer.from(key);
  altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
  return altered;
}

/** Where the public area begins: behind the private part and its own size. */
function publicAt(key: Buffer): number {
  return 2 + key.readUInt16BE(0) + 2;
}
