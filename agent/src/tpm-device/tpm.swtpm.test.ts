// SPDX-License-Identifier: Apache-2.0

import { X509Certificate } from "node:crypto";
import {
  activateCredential,
  assertAttestationKey,
  ByteReader,
  createPrimary,
  digest,
  EK_KINDS,
  ekKindOf,
  Handle,
  type HashName,
  type LoadedKey,
  makeCredential,
  type PcrSelection,
  parsePublicArea,
  pcrExtend,
  policySecret,
  publicKeyOf,
  startPolicySession,
  type TpmCommand,
  verifyQuote,
} from "@nsattest/tpm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Swtpm, startSwtpm } from "../../../test/lab/src/swtpm.ts";
import { connectSwtpm } from "./swtpm.ts";
import { type EndorsementKey, Tpm } from "./tpm.ts";
import type { TpmTransport } from "./transport.ts";

const SETUP_TIMEOUT_MS = 60_000;
const NONCE = new Uint8Array(32).fill(0x5a);
const SELECTION: PcrSelection = [{ bank: "sha256", pcrs: [10, 13] }];
const BANKS: readonly HashName[] = ["sha1", "sha256", "sha384"];
const CREDENTIAL = new Uint8Array(32).fill(0xc3);
const QUOTE = 0x158;

let swtpm: Swtpm;

beforeAll(async () => {
  swtpm = await startSwtpm();
}, SETUP_TIMEOUT_MS);
afterAll(() => swtpm.close());

/** A client of its own for `use`, with nothing left loaded by earlier ones. */
async function withTpm<Result>(
  use: (tpm: Tpm, transport: TpmTransport) => Promise<Result>,
): Promise<Result> {
  const transport = await connectSwtpm({ path: swtpm.socketPath });
  const tpm = new Tpm(transport);
  try {
    await tpm.flushLeftovers();
    return await use(tpm, transport);
  } finally {
    await tpm.close();
  }
}

async function createAk(tpm: Tpm, ek: EndorsementKey): Promise<LoadedKey> {
  return tpm.loadAttestationKey(ek, await tpm.createAttestationKey(ek));
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function digests(text: string): ReadonlyMap<HashName, Uint8Array> {
  return new Map(BANKS.map((bank) => [bank, digest(bank, Buffer.from(text))]));
}

it("goes the whole way from EK over AK to a verified quote", () =>
  withTpm(async (tpm) => {
    const ek = await tpm.createEndorsementKey();
    const ak = await createAk(tpm, ek);
    await tpm.flushContext(ek);
    expect(() => assertAttestationKey(parsePublicArea(ak.publicArea))).not.toThrow();
    await tpm.pcrExtend(13, digests("first"));
    const input = { akPublic: ak.publicArea, nonce: NONCE, selection: SELECTION };
    const quoted = await tpm.quoteWithPcrs(ak, NONCE, SELECTION);
    const verified = verifyQuote({ ...input, ...quoted });
    expect(verified.pcrs).toEqual(await tpm.pcrRead(SELECTION));
    // The AK is in the endorsement hierarchy, so its quotes carry the true counters.
    const { resetCount, restartCount } = await tpm.readClock();
    expect(verified.clock).toMatchObject({ resetCount, restartCount });
  }));

it("reads an EK certificate for the EK it derives, from the authority", () =>
  withTpm(async (tpm) => {
    const ek = await tpm.createEndorsementKey();
    const certificate = new X509Certificate((await tpm.readEkCertificate()) ?? "");
    const key = publicKeyOf(parsePublicArea(ek.publicArea));
    expect(certificate.publicKey.equals(key)).toBe(true);
    const issuer = new X509Certificate(swtpm.rootCertificates[1] ?? "");
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect((await tpm.createEndorsementKey()).name).toEqual(ek.name);
  }));

it.each(Object.values(EK_KINDS))("enrols and quotes with the EK of template $name", (kind) =>
  withTpm(async (tpm) => {
    const ek = await tpm.createEndorsementKey(kind);
    expect(ekKindOf(parsePublicArea(ek.publicArea))).toBe(kind);
    const ak = await createAk(tpm, ek);
    const area = parsePublicArea(ak.publicArea);
    expect(() => assertAttestationKey(area)).not.toThrow();
    expect(area.type).toBe(parsePublicArea(ek.publicArea).type);
    const credential = new Uint8Array(32).fill(7);
    const wrapped = makeCredential({ ekPublic: ek.publicArea, akName: ak.name, credential });
    expect(await tpm.activateCredential(ak, ek, wrapped)).toEqual(credential);
    const quoted = await tpm.quoteWithPcrs(ak, NONCE, SELECTION);
    const input = { akPublic: ak.publicArea, nonce: NONCE, selection: SELECTION };
    expect(verifyQuote({ ...input, ...quoted }).pcrs).toHaveLength(quoted.pcrs.length);
    await tpm.flushContext(ak);
    await tpm.flushContext(ek);
  }),
);

it("finds the certificates that swtpm makes: RSA-2048 and P-384, for the keys it derives", () =>
  withTpm(async (tpm) => {
    const found: string[] = [];
    for (const kind of Object.values(EK_KINDS)) {
      const certificate = await tpm.readEkCertificate(kind);
      if (certificate === null) continue;
      const ek = await tpm.createEndorsementKey(kind);
      const key = publicKeyOf(parsePublicArea(ek.publicArea));
      expect(new X509Certificate(certificate).publicKey.equals(key)).toBe(true);
      found.push(kind.name);
      await tpm.flushContext(ek);
    }
    expect(found).toEqual(["L-1", "H-3"]);
    expect(await tpm.readEkChain()).toHaveLength(0);
  }));

it("loads an AK again over another connection, but not one that was altered", async () => {
  const [key, name] = await withTpm(async (tpm) => {
    const ek = await tpm.createEndorsementKey();
    const made = await tpm.createAttestationKey(ek);
    return [made, (await tpm.loadAttestationKey(ek, made)).name];
  });
  await withTpm(async (tpm) => {
    const ek = await tpm.createEndorsementKey();
    expect((await tpm.loadAttestationKey(ek, key)).name).toEqual(name);
    const altered = { ...key, privateArea: key.privateArea.map((byte) => byte ^ 1) };
    await expect(tpm.loadAttestationKey(ek, altered)).rejects.toMatchObject({
      code: "RESPONSE_CODE",
    });
    expect(await tpm.readPublic(ek.handle)).toEqual({ publicArea: ek.publicArea, name: ek.name });
  });
});

it("says what it is and which banks it has", () =>
  withTpm(async (tpm) => {
    const [family, ...more] = await tpm.getProperties(0x100, 1);
    expect(family).toEqual({ property: 0x100, value: 0x322e_3000 });
    expect(more).toEqual([]);
    expect(await tpm.getPcrBanks()).toEqual(BANKS);
  }));

describe("PCRs", () => {
  it("are extended in each bank by its own digest", () =>
    withTpm(async (tpm) => {
      const selection = BANKS.map((bank) => ({ bank, pcrs: [13] }));
      const before = await tpm.pcrRead(selection);
      await tpm.pcrExtend(13, digests("again"));
      const expected = before.map((pcr) => ({
        ...pcr,
        value: digest(pcr.bank, pcr.value, digest(pcr.bank, Buffer.from("again"))),
      }));
      expect(await tpm.pcrRead(selection)).toEqual(expected);
    }));

  it("are all read, though a TPM returns eight at a time", () =>
    withTpm(async (tpm) => {
      const pcrs = Array.from({ length: 24 }, (_, index) => index);
      const values = await tpm.pcrRead(BANKS.map((bank) => ({ bank, pcrs })));
      expect(values.map(({ bank, index }) => `${bank}:${index}`)).toEqual(
        BANKS.flatMap((bank) => pcrs.map((index) => `${bank}:${index}`)),
      );
    }));

  it("of a bank that is not allocated are neither read nor quoted", () =>
    withTpm(async (tpm) => {
      const ak = await createAk(tpm, await tpm.createEndorsementKey());
      const selection: PcrSelection = [{ bank: "sha512", pcrs: [10] }];
      await expect(tpm.pcrRead(selection)).rejects.toMatchObject({ code: "PCR_SELECTION" });
      const quoted = await tpm.quote(ak, NONCE, [...selection, ...SELECTION]);
      const pcrs = await tpm.pcrRead(SELECTION);
      const input = {
        akPublic: ak.publicArea,
        nonce: NONCE,
        selection: [...selection, ...SELECTION],
      };
      expect(() => verifyQuote({ ...input, ...quoted, pcrs })).toThrow(
        expect.objectContaining({ code: "QUOTE_SELECTION" }),
      );
    }));
});

describe("quoteWithPcrs, while PCR 10 is extended by others", () => {
  /** Extends PCR 10 right before and right after each of the first `times` quotes. */
  function disturbed(transport: TpmTransport, times: number): Tpm {
    let left = times;
    const extend = async () => {
      const { bytes } = pcrExtend(10, digests(`disturbance ${left}`));
      await transport.transceive(bytes);
    };
    return new Tpm({
      close: () => transport.close(),
      transceive: async (command) => {
        const reader = new ByteReader(command);
        reader.bytes(6);
        if (reader.u32() !== QUOTE || left === 0) return transport.transceive(command);
        left--;
        await extend();
        const answer = await transport.transceive(command);
        await extend();
        return answer;
      },
    });
  }

  it("returns the values that were quoted", () =>
    withTpm(async (tpm, transport) => {
      const ak = await createAk(tpm, await tpm.createEndorsementKey());
      const quoted = await disturbed(transport, 3).quoteWithPcrs(ak, NONCE, SELECTION);
      const input = { akPublic: ak.publicArea, nonce: NONCE, selection: SELECTION };
      expect(() => verifyQuote({ ...input, ...quoted })).not.toThrow();
    }));

  it("asks a caller who knows what was extended when that never ends", () =>
    withTpm(async (tpm, transport) => {
      const ak = await createAk(tpm, await tpm.createEndorsementKey());
      // The value after each extend that may have come before the quote, as a list of what was extended gives them.
      const [list, anchor] = await tpm.pcrRead(SELECTION);
      const extended = digest("sha256", Buffer.from("disturbance 98"));
      const value = digest("sha256", Buffer.concat([list?.value ?? [], extended].map(Buffer.from)));
      const known = [{ bank: "sha256", index: 10, value } as const, anchor].filter(isThere);
      const quoted = await disturbed(transport, 99).quoteWithPcrs(ak, NONCE, SELECTION, (fits) =>
        fits(known) ? known : null,
      );
      const input = { akPublic: ak.publicArea, nonce: NONCE, selection: SELECTION };
      expect(verifyQuote({ ...input, ...quoted }).pcrs).toEqual(known);
    }));

  it("gives up when that never ends and nobody knows", () =>
    withTpm(async (tpm, transport) => {
      const ak = await createAk(tpm, await tpm.createEndorsementKey());
      const quoted = disturbed(transport, 99).quoteWithPcrs(ak, NONCE, SELECTION);
      await expect(quoted).rejects.toMatchObject({ code: "PCRS_MOVING" });
    }));
});

describe("credential activation", () => {
  it("gives the credential to the TPM that has both keys", () =>
    withTpm(async (tpm) => {
      const ek = await tpm.createEndorsementKey();
      const ak = await createAk(tpm, ek);
      const keys = { ekPublic: ek.publicArea, akName: ak.name };
      const wrapped = makeCredential({ ...keys, credential: CREDENTIAL });
      expect(await tpm.activateCredential(ak, ek, wrapped)).toEqual(CREDENTIAL);
    }));

  it("refuses a credential for another AK, and leaves no session behind", () =>
    withTpm(async (tpm) => {
      const ek = await tpm.createEndorsementKey();
      const ak = await createAk(tpm, ek);
      const keys = { ekPublic: ek.publicArea, akName: ek.name };
      const wrapped = makeCredential({ ...keys, credential: CREDENTIAL });
      for (let attempt = 0; attempt < 5; attempt++) {
        const activated = tpm.activateCredential(ak, ek, wrapped);
        await expect(activated).rejects.toMatchObject({ code: "RESPONSE_CODE" });
      }
    }));

  it("works with a P-256 EK, for which makeCredential derives the seed in another way", () =>
    withTpm(async (tpm, transport) => {
      const send = async <Result>(command: TpmCommand<Result>): Promise<Result> =>
        command.decode(await transport.transceive(command.bytes));
      const ak = await createAk(tpm, await tpm.createEndorsementKey());
      // Template L-2 of the EK credential profile.
      const policy = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";
      const zeros = `0020${"00".repeat(32)}`;
      const template = `0023000b000300b20020${policy}00060080004300100003 0010${zeros}${zeros}`;
      const ek = await send(
        createPrimary(Handle.ENDORSEMENT, Buffer.from(template.replace(" ", ""), "hex")),
      );
      const session = await send(startPolicySession());
      await send(policySecret(session));
      const keys = { ekPublic: ek.publicArea, akName: ak.name };
      const activation = activateCredential({
        key: ak.handle,
        endorsementKey: ek.handle,
        endorsementAuthorization: { kind: "policy", session },
        ...makeCredential({ ...keys, credential: CREDENTIAL }),
      });
      expect(await send(activation)).toEqual(CREDENTIAL);
    }));
});

it("frees what an earlier client left loaded", async () => {
  const leave = await connectSwtpm({ path: swtpm.socketPath });
  const careless = new Tpm(leave);
  await careless.flushLeftovers();
  for (let slot = 0; slot < 3; slot++) await careless.createEndorsementKey();
  await expect(careless.createEndorsementKey()).rejects.toMatchObject({ responseCode: 0x902 });
  await careless.close();
  await withTpm(async (tpm) => {
    await expect(tpm.createEndorsementKey()).resolves.toMatchObject({ handle: 0x8000_0000 });
  });
});
