// SPDX-License-Identifier: Apache-2.0

import {
  activateCredential,
  createKey,
  createPrimary,
  EK_RSA_2048_TEMPLATE,
  flushContext,
  getHandles,
  getPcrBanks,
  getProperties,
  Handle,
  loadKey,
  nvRead,
  nvReadPublic,
  pcrExtend,
  pcrRead,
  policySecret,
  type QuoteInput,
  quote,
  readClock,
  readPublic,
  responseSize,
  startPolicySession,
  type TpmCommand,
} from "@nsattest/tpm";
import type { Random } from "../engine/random.ts";
import type { FuzzTarget } from "../engine/target.ts";
import { integerBytes, withWords } from "../mutate/bytes.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { hex, readQuotes } from "./vectors.ts";

const PASSWORD = { kind: "password" } as const;
const NOTHING = new Uint8Array();
const HEADER_SIZE = 10;

const WORDS = [
  "8001",
  "8002",
  "00000000",
  "00000922",
  "00000101",
  "000b03000400",
  "000c03000000",
  "00000001",
  "00000005",
  "00000006",
];

/** Answers of a TPM to every command of ours. The first byte of an input chooses the command. */
export function tpmResponse(root: string): FuzzTarget {
  const [{ akPublic: publicArea }] = readQuotes(root) as [QuoteInput];
  const key = { privateArea: new Uint8Array(32), publicArea };
  const activation = {
    key: 1,
    endorsementKey: 2,
    endorsementAuthorization: { kind: "policy", session: 3 },
    credentialBlob: NOTHING,
    secret: NOTHING,
  } as const;
  const commands: readonly TpmCommand<unknown>[] = [
    pcrRead([{ bank: "sha256", pcrs: [10] }]),
    pcrExtend(13, new Map([["sha256", new Uint8Array(32)]])),
    quote(0, new Uint8Array(16), []),
    createPrimary(Handle.ENDORSEMENT, EK_RSA_2048_TEMPLATE),
    createKey(1, PASSWORD, EK_RSA_2048_TEMPLATE),
    loadKey(1, PASSWORD, key),
    readPublic(0),
    activateCredential(activation),
    flushContext(0),
    nvReadPublic(0x1c0_0002),
    nvRead(0x1c0_0002, 8, 0),
    getProperties(0x100, 1),
    getHandles(0x8000_0000, 1),
    getPcrBanks(),
    readClock(),
    startPolicySession(),
    policySecret(0x300_0000),
  ];
  const bodies = bodiesOf(publicArea);
  const seeds = commands.flatMap((_, index) =>
    bodies.flatMap((body) => [
      answer(index, 0x8001, body),
      answer(index, 0x8002, withSessions(body)),
    ]),
  );
  return {
    name: "tpm-response",
    seeds,
    mutators: [
      sizedMutator({ width: 2, little: false }, { width: 4, little: false }),
      withWords(WORDS.map(hex)),
      fitSize,
      fitSize,
    ],
    generate: (random) => {
      const body = concat(random.pick(bodies), random.bytes(16));
      const sessions = random.oneIn(2);
      const index = random.below(commands.length);
      return answer(index, sessions ? 0x8002 : 0x8001, sessions ? withSessions(body) : body);
    },
    inputMax: 4097,
    errors: ["TpmError"],
    run(input) {
      const [chosen = 0] = input;
      const command = commands[chosen % commands.length] as TpmCommand<unknown>;
      const response = input.subarray(1);
      const size = responseSize(response);
      const result = command.decode(response);
      promiseViewsWithin(result, response);
      return `${command.name} ${size === null ? "short" : "whole"}`;
    },
  };
}

/** Parameters as a TPM would send them, of several commands. */
function bodiesOf(publicArea: Uint8Array): Uint8Array[] {
  const sized = (bytes: Uint8Array): Uint8Array =>
    concat(integerBytes(bytes.length, 2, false), bytes);
  const digest = new Uint8Array(32);
  const ticket = hex("80214000000b0000");
  const nvPublic = hex("01c00002000b0206004400000400");
  return [
    NOTHING,
    concat(hex("0000000700000001000b0300040000000001"), sized(digest)),
    concat(sized(publicArea), sized(digest), sized(digest)),
    concat(sized(digest), sized(publicArea), sized(NOTHING), sized(digest), ticket),
    concat(
      hex("80000001"),
      sized(publicArea),
      sized(NOTHING),
      sized(digest),
      ticket,
      sized(digest),
    ),
    concat(sized(nvPublic), sized(digest)),
    sized(new Uint8Array(8)),
    hex("00000000060000000200000105000000010000010600000002"),
    hex("00000000010000000180000000"),
    hex("000000000500000002000b03ffffff000403000000"),
    hex("000000000000100000000000000020000000000400000000 01".replace(" ", "")),
    concat(hex("03000000"), sized(digest)),
    concat(sized(NOTHING), ticket),
  ];
}

function answer(index: number, tag: number, body: Uint8Array): Uint8Array {
  const header = [integerBytes(tag, 2, false), integerBytes(HEADER_SIZE + body.length, 4, false)];
  return concat(Uint8Array.of(index), ...header, new Uint8Array(4), body);
}

function withSessions(body: Uint8Array): Uint8Array {
  return concat(integerBytes(body.length, 4, false), body, hex("0000010000"));
}

/** Makes the size in the header right: nothing else is looked at before. */
function fitSize(input: Uint8Array, random: Random): Uint8Array {
  const output = input.slice();
  if (output.length > 7) output.set(integerBytes(output.length - 1, 4, false), 3);
  if (random.oneIn(4) && output.length > 11) output.set(new Uint8Array(4), 7);
  return output;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
