// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from "vitest";
import { codeOf } from "../../test/code-of.ts";
import { hex, readQuoteVector } from "../../test/vector.ts";
import { ByteWriter } from "../bytes.ts";
import { AK_RSA_2048_TEMPLATE } from "../key-template.ts";
import { publicAreaName } from "../public-area.ts";
import { getHandles, getPcrBanks, getProperties, readClock } from "./capability.ts";
import { Handle, responseSize, type TpmCommand } from "./codec.ts";
import {
  activateCredential,
  createKey,
  createPrimary,
  flushContext,
  loadKey,
  readPublic,
} from "./key.ts";
import { nvRead, nvReadPublic } from "./nv.ts";
import { pcrExtend, pcrRead } from "./pcr.ts";
import { quote } from "./quote.ts";
import { policySecret, startPolicySession } from "./session.ts";

const SELECTION = [{ bank: "sha256", pcrs: [10] }] as const;
const ZEROS = new Uint8Array(32);
const VECTOR = readQuoteVector("rsa");
const PUBLIC = VECTOR.akPublic;
const NAME = publicAreaName(PUBLIC);
const POLICY = { kind: "policy", session: 0x0300_0000 } as const;
const PASSWORD_AREA = "00000009 40000009 0000 00 0000";
const POLICY_AREA = "00000009 03000000 0000 00 0000";
/** Authorization of an answer. */
const ANSWERED = "0000 01 0000";
const TICKET = "8024 4000000b 0000";

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function sized(bytes: Uint8Array): string {
  return text(new ByteWriter().tpm2b(bytes).finish());
}

function message(tag: string, code: string, body: string): Uint8Array {
  const content = hex(body);
  return new ByteWriter()
    .bytes(hex(tag))
    .u32(10 + content.length)
    .bytes(hex(code))
    .bytes(content)
    .finish();
}

/** A good answer; with `authorized`, parameters between their size and an authorization. */
function answer(parameters: string, { handle = "", authorized = 0 } = {}): Uint8Array {
  if (authorized === 0) return message("8001", "00000000", handle + parameters);
  const size = new ByteWriter().u32(hex(parameters).length).finish();
  const body = handle + text(size) + parameters + ANSWERED.repeat(authorized);
  return message("8002", "00000000", body);
}

interface Case {
  readonly command: TpmCommand<unknown>;
  readonly bytes: Uint8Array;
  readonly response: Uint8Array;
  readonly result: unknown;
}

const CREATION = `0004 0000 0000 ${sized(AK_RSA_2048_TEMPLATE)} 0000 00000000`;
const CREATED = `0001 aa 0001 bb ${TICKET}`;
const LOADED = { handle: 0x8000_0001, publicArea: PUBLIC, name: NAME };

const CASES: Readonly<Record<string, Case>> = {
  PCR_Read: {
    command: pcrRead(SELECTION),
    bytes: hex("8001 00000014 0000017e 00000001 000b 03 000400"),
    response: answer(`00000019 00000001 000b 03 000400 00000001 0020 ${text(ZEROS)}`),
    result: { updateCounter: 25, values: [{ bank: "sha256", index: 10, value: ZEROS }] },
  },
  PCR_Extend: {
    command: pcrExtend(13, new Map([["sha256", ZEROS]])),
    bytes: message("8002", "00000182", `0000000d ${PASSWORD_AREA} 00000001 000b ${text(ZEROS)}`),
    response: answer("", { authorized: 1 }),
    result: undefined,
  },
  Quote: {
    command: quote(0x8000_0001, hex("c0ffee"), SELECTION),
    bytes: message(
      "8002",
      "00000158",
      `80000001 ${PASSWORD_AREA} 0003 c0ffee 0010 00000001 000b 03 000400`,
    ),
    response: answer(sized(VECTOR.attest) + text(VECTOR.signature), { authorized: 1 }),
    result: { attest: VECTOR.attest, signature: VECTOR.signature },
  },
  CreatePrimary: {
    command: createPrimary(Handle.ENDORSEMENT, AK_RSA_2048_TEMPLATE),
    bytes: message("8002", "00000131", `4000000b ${PASSWORD_AREA} ${CREATION}`),
    response: answer(sized(PUBLIC) + CREATED + sized(NAME), { handle: "80000001", authorized: 1 }),
    result: LOADED,
  },
  Create: {
    command: createKey(0x8000_0000, POLICY, AK_RSA_2048_TEMPLATE),
    bytes: message("8002", "00000153", `80000000 ${POLICY_AREA} ${CREATION}`),
    response: answer(`0002 beef ${sized(PUBLIC)} ${CREATED}`, { authorized: 1 }),
    result: { privateArea: hex("beef"), publicArea: PUBLIC },
  },
  Load: {
    command: loadKey(0x8000_0000, POLICY, { privateArea: hex("beef"), publicArea: PUBLIC }),
    bytes: message("8002", "00000157", `80000000 ${POLICY_AREA} 0002 beef ${sized(PUBLIC)}`),
    response: answer(sized(NAME), { handle: "80000001", authorized: 1 }),
    result: LOADED,
  },
  ReadPublic: {
    command: readPublic(0x8000_0001),
    bytes: message("8001", "00000173", "80000001"),
    response: answer(`${sized(PUBLIC)} ${sized(NAME)} ${sized(NAME)}`),
    result: { publicArea: PUBLIC, name: NAME },
  },
  ActivateCredential: {
    command: activateCredential({
      key: 0x8000_0001,
      endorsementKey: 0x8000_0000,
      endorsementAuthorization: POLICY,
      credentialBlob: hex("aaaa"),
      secret: hex("bb"),
    }),
    bytes: message(
      "8002",
      "00000147",
      "80000001 80000000 00000012 40000009 0000 00 0000 03000000 0000 00 0000 0002 aaaa 0001 bb",
    ),
    response: answer("0002 1234", { authorized: 2 }),
    result: hex("1234"),
  },
  FlushContext: {
    command: flushContext(0x8000_0001),
    bytes: message("8001", "00000165", "80000001"),
    response: answer(""),
    result: undefined,
  },
  StartAuthSession: {
    command: startPolicySession(),
    bytes: message(
      "8001",
      "00000176",
      `40000007 40000007 0010 ${"00".repeat(16)} 0000 01 0010 000b`,
    ),
    response: answer(`0010 ${"11".repeat(16)}`, { handle: "03000000" }),
    result: 0x0300_0000,
  },
  PolicySecret: {
    command: policySecret(0x0300_0000),
    bytes: message(
      "8002",
      "00000151",
      `4000000b 03000000 ${PASSWORD_AREA} 0000 0000 0000 00000000`,
    ),
    response: answer(`0000 ${TICKET}`, { authorized: 1 }),
    result: undefined,
  },
  NV_ReadPublic: {
    command: nvReadPublic(0x01c0_0002),
    bytes: message("8001", "00000169", "01c00002"),
    response: answer("000e 01c00002 000b 22060046 0000 0345 0002 000b"),
    result: 0x345,
  },
  NV_Read: {
    command: nvRead(0x01c0_0002, 2, 512),
    bytes: message("8002", "0000014e", `01c00002 01c00002 ${PASSWORD_AREA} 0002 0200`),
    response: answer("0002 3082", { authorized: 1 }),
    result: hex("3082"),
  },
  "GetCapability of properties": {
    command: getProperties(0x100, 2),
    bytes: message("8001", "0000017a", "00000006 00000100 00000002"),
    response: answer("01 00000006 00000002 00000100 322e3000 00000101 00000000"),
    result: {
      more: true,
      items: [
        { property: 0x100, value: 0x322e_3000 },
        { property: 0x101, value: 0 },
      ],
    },
  },
  "GetCapability of handles": {
    command: getHandles(0x8000_0000, 64),
    bytes: message("8001", "0000017a", "00000001 80000000 00000040"),
    response: answer("00 00000001 00000001 80000000"),
    result: { more: false, items: [0x8000_0000] },
  },
  "GetCapability of banks": {
    command: getPcrBanks(),
    bytes: message("8001", "0000017a", "00000005 00000000 00000400"),
    // SM3 is unknown here, SHA-512 is not allocated.
    response: answer("00 00000005 00000003 000b 03 ffffff 0012 03 ffffff 000d 03 000000"),
    result: { more: false, items: ["sha256"] },
  },
  ReadClock: {
    command: readClock(),
    bytes: message("8001", "00000181", ""),
    response: answer("0000000000000001 00000000000cdedf 00000004 00000001 00"),
    result: { clock: 0xcdedf, resetCount: 4, restartCount: 1, safe: false },
  },
};

describe.each(Object.entries(CASES))("%s", (_, { command, bytes, response, result }) => {
  it("is encoded as the standard says", () => {
    expect(text(command.bytes)).toBe(text(bytes));
  });

  it("decodes an answer", () => {
    expect(command.decode(response)).toEqual(result);
  });

  it("reports the TPM's refusal", () => {
    const act = () => command.decode(hex("8001 0000000a 00000922"));
    expect(act).toThrow(/RETRY/);
    expect(act).toThrow(expect.objectContaining({ code: "RESPONSE_CODE", responseCode: 0x922 }));
  });

  it("refuses an answer that is cut anywhere, whatever size it claims", () => {
    for (let length = 0; length < response.length; length++) {
      const cut = response.slice(0, length);
      expect(codeOf(() => command.decode(cut))).not.toBeNull();
      if (length < 10) continue;
      new DataView(cut.buffer).setUint32(2, length);
      expect(codeOf(() => command.decode(cut))).not.toBeNull();
    }
  });

  it("refuses an answer with a byte too many", () => {
    const longer = new Uint8Array([...response, 0]);
    expect(codeOf(() => command.decode(longer))).toBe("RESPONSE_MALFORMED");
    new DataView(longer.buffer).setUint32(2, longer.length);
    expect(codeOf(() => command.decode(longer))).toBe("BYTES_TRAILING");
  });

  it("refuses an answer with the other tag", () => {
    const other = response.slice();
    other[1] = (other[1] ?? 0) ^ 3;
    expect(codeOf(() => command.decode(other))).toBe("RESPONSE_MALFORMED");
  });
});

describe("an answer", () => {
  it.each([
    [
      "with fewer digests than PCRs",
      pcrRead(SELECTION),
      answer("00000019 00000001 000b 03 000400 00000000"),
    ],
    [
      "with a digest of a wrong size",
      pcrRead(SELECTION),
      answer("00000019 00000001 000b 03 000400 00000001 0001 aa"),
    ],
    ["with another name", readPublic(1), answer(`${sized(PUBLIC)} ${sized(ZEROS)} 0000`)],
    [
      "about another NV index",
      nvReadPublic(1),
      answer("000e 01c00002 000b 22060046 0000 0345 0002 000b"),
    ],
    ["with less than was asked for", nvRead(1, 3, 0), answer("0002 3082", { authorized: 1 })],
    ["about another capability", getProperties(0x100, 1), answer("00 00000005 00000000")],
    ["with more items than fit", getHandles(0, 1), answer("00 00000001 40000000")],
    [
      "above 4096 bytes",
      flushContext(1),
      new ByteWriter().u16(0x8001).u32(4097).bytes(new Uint8Array(4091)).finish(),
    ],
  ])("%s is refused", (_, command: TpmCommand<unknown>, response) => {
    expect(codeOf(() => command.decode(response))).toBe("RESPONSE_MALFORMED");
  });
});

describe("a command", () => {
  it.each([
    ["an extend of PCR 24", () => pcrExtend(24, new Map([["sha256", ZEROS]])), "PCR_SELECTION"],
    ["an extend of no bank", () => pcrExtend(13, new Map()), "PCR_VALUES"],
    [
      "a digest of another bank's size",
      () => pcrExtend(13, new Map([["sha1", ZEROS]])),
      "PCR_VALUES",
    ],
    ["more than 4096 bytes", () => quote(1, new Uint8Array(4096), SELECTION), "BYTES_RANGE"],
  ])("refuses %s", (_, make, code) => {
    expect(codeOf(make)).toBe(code);
  });
});

describe("responseSize", () => {
  it("is known once the header is there", () => {
    const response = answer("0002 1234");
    expect(responseSize(response.subarray(0, 9))).toBeNull();
    expect(responseSize(response.subarray(0, 10))).toBe(response.length);
  });

  it.each(["00000009", "00001001", "ffffffff"])("refuses a size of 0x%s", (size) => {
    const act = () => responseSize(hex(`8001 ${size} 00000000`));
    expect(codeOf(act)).toBe("RESPONSE_MALFORMED");
  });
});
