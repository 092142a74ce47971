// SPDX-License-Identifier: Apache-2.0

import { ByteReader, ByteWriter, EK_KINDS, ResponseCode, TpmError } from "@nsattest/tpm";
import { describe, expect, it } from "vitest";
import { readQuoteVector } from "../../../tpm/test/vector.ts";
import { type EndorsementKey, Tpm } from "./tpm.ts";
import type { TpmTransport } from "./transport.ts";

// What only a misbehaving TPM does; a real one is talked to in tpm.swtpm.test.ts.

const HEADER_SIZE = 10;
const NO_WAIT = () => Promise.resolve();
const CLOCK = { clock: 5, resetCount: 1, restartCount: 0, safe: true };
const EK: EndorsementKey = {
  handle: 0x8000_0000,
  publicArea: new Uint8Array(),
  name: new Uint8Array(),
  kind: EK_KINDS["L-1"],
};

function answer(code: number, parameters: Uint8Array = new Uint8Array()): Uint8Array {
  const writer = new ByteWriter().u16(0x8001).u32(HEADER_SIZE + parameters.length);
  return writer.u32(code).bytes(parameters).finish();
}

function clockAnswer(): Uint8Array {
  return answer(0, new ByteWriter().u64(0).u64(5).u32(1).u32(0).u8(1).finish());
}

function pcrAnswer(bits: number, values: number): Uint8Array {
  const body = new ByteWriter().u32(1).u32(1).u16(0x000b).u8(3);
  body
    .u8(bits & 0xff)
    .u8((bits >> 8) & 0xff)
    .u8(bits >> 16)
    .u32(values);
  for (let index = 0; index < values; index++) body.tpm2b(new Uint8Array(32));
  return answer(0, body.finish());
}

/** A TPM that answers with `script`, one entry for each command, and keeps the codes of the commands it got. */
function scripted(...script: (Uint8Array | Error)[]) {
  const commands: number[] = [];
  let closed = false;
  const transport: TpmTransport = {
    transceive: async (command) => {
      const reader = new ByteReader(command);
      reader.bytes(6);
      commands.push(reader.u32());
      const next = script[commands.length - 1] ?? answer(0x101);
      if (next instanceof Error) throw next;
      return next;
    },
    close: async () => {
      closed = true;
    },
  };
  return { tpm: new Tpm(transport, NO_WAIT), commands, isClosed: () => closed };
}

describe("commands", () => {
  it.each([
    ["RETRY", ResponseCode.RETRY],
    ["YIELDED", ResponseCode.YIELDED],
    ["TESTING", ResponseCode.TESTING],
  ])("are sent again on %s", async (_, code) => {
    const { tpm, commands } = scripted(answer(code), answer(code), clockAnswer());
    await expect(tpm.readClock()).resolves.toEqual(CLOCK);
    expect(commands).toHaveLength(3);
  });

  it("are not sent again for ever", async () => {
    const { tpm, commands } = scripted(
      ...Array.from({ length: 99 }, () => answer(ResponseCode.RETRY)),
    );
    await expect(tpm.readClock()).rejects.toMatchObject({ responseCode: ResponseCode.RETRY });
    expect(commands).toHaveLength(20);
  });

  it("are not sent again on other codes or when the way to the TPM breaks", async () => {
    const broken = new TpmError("DEVICE_IO", "gone");
    const { tpm, commands } = scripted(answer(0x902), broken);
    await expect(tpm.readClock()).rejects.toMatchObject({ responseCode: 0x902 });
    await expect(tpm.readClock()).rejects.toBe(broken);
    expect(commands).toHaveLength(2);
  });

  it("are sent one at a time, in order, past those that fail", async () => {
    let underWay = 0;
    let most = 0;
    const script = [clockAnswer(), answer(0x101), clockAnswer()];
    const tpm = new Tpm({
      transceive: async () => {
        most = Math.max(most, ++underWay);
        await new Promise(setImmediate);
        underWay--;
        return script.shift() ?? answer(0x101);
      },
      close: NO_WAIT,
    });
    const results = await Promise.allSettled([tpm.readClock(), tpm.readClock(), tpm.readClock()]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(most).toBe(1);
  });

  it("are finished before the transport is closed", async () => {
    const { tpm, isClosed } = scripted(clockAnswer());
    const clock = tpm.readClock().then(() => expect(isClosed()).toBe(false));
    await tpm.close();
    expect(isClosed()).toBe(true);
    await clock;
  });
});

describe("pcrRead", () => {
  it("does not ask for ever for a bank that is not there", async () => {
    const { tpm, commands } = scripted(pcrAnswer(0, 0));
    const read = tpm.pcrRead([{ bank: "sha256", pcrs: [10] }]);
    await expect(read).rejects.toMatchObject({ code: "PCR_SELECTION" });
    expect(commands).toHaveLength(1);
  });

  it("takes no PCR that it did not ask for", async () => {
    const { tpm } = scripted(pcrAnswer(0b11, 2));
    const read = tpm.pcrRead([{ bank: "sha256", pcrs: [1] }]);
    await expect(read).rejects.toMatchObject({ code: "PCR_SELECTION" });
  });
});

it("quoteWithPcrs takes no quote of other PCRs than asked for", async () => {
  const { attest, signature } = readQuoteVector("rsa");
  const parameters = new ByteWriter().tpm2b(attest).bytes(signature).finish();
  const authorized = new ByteWriter().u32(parameters.length).bytes(parameters);
  const body = authorized.u16(0).u8(1).u16(0).finish();
  const header = new ByteWriter()
    .u16(0x8002)
    .u32(HEADER_SIZE + body.length)
    .u32(0);
  const { tpm } = scripted(pcrAnswer(1 << 10, 1), header.bytes(body).finish());
  const quoted = tpm.quoteWithPcrs(EK, new Uint8Array(32), [{ bank: "sha256", pcrs: [10] }]);
  await expect(quoted).rejects.toMatchObject({ code: "QUOTE_SELECTION" });
});

describe("a key below the EK", () => {
  const session = new ByteWriter()
    .u16(0x8001)
    .u32(HEADER_SIZE + 4 + 2)
    .u32(0)
    .u32(0x0300_0001)
    .u16(0);

  it("that cannot be made leaves no session behind, and the first refusal is reported", async () => {
    const { tpm, commands } = scripted(session.finish(), answer(0x9a2), answer(0x910));
    const made = tpm.createAttestationKey(EK);
    await expect(made).rejects.toMatchObject({ responseCode: 0x9a2 });
    expect(commands).toEqual([0x176, 0x151, 0x165]);
  });
});

describe("readEkCertificate", () => {
  function nvPublic(size: number): Uint8Array {
    const area = new ByteWriter().u32(0x01c0_0002).u16(0x000b).u32(0).u16(0).u16(size).finish();
    return answer(0, new ByteWriter().tpm2b(area).u16(0).finish());
  }

  it.each([
    ["defined", answer(ResponseCode.BAD_HANDLE_1)],
    ["written", answer(ResponseCode.NV_UNINITIALIZED)],
  ])("is null when none was ever %s", async (_, refusal) => {
    await expect(scripted(refusal).tpm.readEkCertificate()).resolves.toBeNull();
  });

  it("fails when the TPM does", async () => {
    const read = scripted(answer(0x101)).tpm.readEkCertificate();
    await expect(read).rejects.toMatchObject({ code: "RESPONSE_CODE" });
  });

  it("does not read more than any certificate has", async () => {
    const { tpm, commands } = scripted(nvPublic(0xffff));
    await expect(tpm.readEkCertificate()).rejects.toMatchObject({ code: "CERTIFICATE_ENCODING" });
    expect(commands).toHaveLength(1);
  });
});

describe("readEkChain", () => {
  const FIRST = 0x01c0_0100;

  /** GetCapability: these handles. */
  function handles(...items: readonly number[]): Uint8Array {
    const body = new ByteWriter().u8(0).u32(1).u32(items.length);
    for (const handle of items) body.u32(handle);
    return answer(0, body.finish());
  }

  function nvPublic(index: number, size: number): Uint8Array {
    const area = new ByteWriter().u32(index).u16(0x000b).u32(0).u16(0).u16(size).finish();
    return answer(0, new ByteWriter().tpm2b(area).u16(0).finish());
  }

  function nvContent(bytes: Uint8Array): Uint8Array {
    const parameters = new ByteWriter().tpm2b(bytes).finish();
    const body = new ByteWriter().u32(parameters.length).bytes(parameters).u16(0).u8(1).u16(0);
    const size = HEADER_SIZE + body.offset;
    return new ByteWriter().u16(0x8002).u32(size).u32(0).bytes(body.finish()).finish();
  }

  it("puts together what the indices hold, and nothing of the indices behind them", async () => {
    const { tpm } = scripted(
      handles(FIRST, FIRST + 0xff, FIRST + 0x100),
      nvPublic(FIRST, 2),
      nvContent(Uint8Array.of(1, 2)),
      nvPublic(FIRST + 0xff, 1),
      nvContent(Uint8Array.of(3)),
    );
    expect(await tpm.readEkChain()).toEqual(Uint8Array.of(1, 2, 3));
  });

  it("is empty where the TPM has more than anybody needs", async () => {
    const chunk = new Uint8Array(512);
    const reads = Array.from({ length: 17 }, () => nvContent(chunk));
    const { tpm } = scripted(
      handles(FIRST, FIRST + 1),
      nvPublic(FIRST, 16 * 512),
      ...reads.slice(1),
      nvPublic(FIRST + 1, 17 * 512),
      ...reads,
    );
    expect(await tpm.readEkChain()).toHaveLength(0);
  });
});
