// SPDX-License-Identifier: Apache-2.0

import fc from "fast-check";
import { it } from "vitest";
import { codeOf } from "../test/code-of.ts";
import { readEventLog } from "../test/event-log-vector.ts";
import { readQuoteVector } from "../test/vector.ts";
import { parseQuoteAttest } from "./attest.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { getHandles, getPcrBanks, getProperties, readClock } from "./command/capability.ts";
import { Handle } from "./command/codec.ts";
import { createPrimary, flushContext, readPublic } from "./command/key.ts";
import { nvRead, nvReadPublic } from "./command/nv.ts";
import { pcrRead } from "./command/pcr.ts";
import { quote } from "./command/quote.ts";
import { policySecret, startPolicySession } from "./command/session.ts";
import { trimCertificate } from "./ek-certificate.ts";
import { parseEventLog } from "./event-log/event-log.ts";
import { eventText } from "./event-log/event-text.ts";
import { replayEventLog } from "./event-log/replay-event-log.ts";
import { EK_RSA_2048_TEMPLATE } from "./key-template.ts";
import { readPcrSelection } from "./pcr.ts";
import { parsePublicArea, publicKeyOf } from "./public-area.ts";
import { parseSignature } from "./signature.ts";

const { akPublic, attest, signature } = readQuoteVector("p256");

const { log } = readEventLog("6.1");

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  parseQuoteAttest,
  parseSignature,
  trimCertificate,
  publicKeyOf: (bytes) => publicKeyOf(parsePublicArea(bytes)),
  parseEventLog: (bytes) => {
    const parsed = parseEventLog(bytes);
    for (const { data } of parsed.events) eventText(data);
    return replayEventLog(parsed, "sha256");
  },
  readPcrSelection: (bytes) => readPcrSelection(new ByteReader(bytes)),
};

const COMMANDS = [
  pcrRead([{ bank: "sha256", pcrs: [10] }]),
  quote(0, new Uint8Array(16), []),
  createPrimary(Handle.ENDORSEMENT, EK_RSA_2048_TEMPLATE),
  readPublic(0),
  flushContext(0),
  nvReadPublic(0),
  nvRead(0, 8, 0),
  getProperties(0, 1),
  getHandles(0, 1),
  getPcrBanks(),
  readClock(),
  startPolicySession(),
  policySecret(0),
];

/** Nothing at all like it, or the real thing with a piece replaced: the second gets further into a decoder. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(
      fc.constantFrom(akPublic, attest, signature, log),
      fc.nat(),
      fc.uint8Array({ maxLength: 8 }),
      fc.nat({ max: 8 }),
    )
    .map(([real, position, piece, removed]) => {
      const at = position % real.length;
      return new Uint8Array([...real.subarray(0, at), ...piece, ...real.subarray(at + removed)]);
    }),
);

it.each(Object.entries(DECODERS))("%s fails with TpmError or not at all", (_, decode) => {
  fc.assert(
    fc.property(hostile, (bytes) => {
      codeOf(() => decode(bytes));
    }),
    { numRuns: 500 },
  );
});

it("answers fail with TpmError or not at all", () => {
  const command = fc.constantFrom(...COMMANDS);
  fc.assert(
    fc.property(command, hostile, fc.constantFrom(0x8001, 0x8002), ({ decode }, body, tag) => {
      const header = new ByteWriter()
        .u16(tag)
        .u32(10 + body.length)
        .u32(0);
      codeOf(() => decode(header.bytes(body).finish()));
      codeOf(() => decode(body));
    }),
    { numRuns: 1000 },
  );
});
