// SPDX-License-Identifier: Apache-2.0

import {
  decodeMonitorAnswer,
  decodeMonitorRequest,
  encodeMonitorAnswer,
  encodeMonitorRefusal,
  encodeMonitorRequest,
  type MonitorOp,
  ProtocolError,
} from "@nsattest/protocol";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { mutateCbor } from "../mutate/cbor.ts";
import { promiseViewsWithin } from "./owned-memory.ts";

const OPS: readonly MonitorOp[] = ["identity", "activate", "evidence"];
const FRAME_HEADER = 4;
const STRUCTURE = new Uint8Array(40).fill(6);
const BOOT_ID = "26c7e9cd-8c58-4f1c-a311-0081508211aa";

/** Requests and answers on the monitor's socket, without their frames. */
export function monitorMessage(): FuzzTarget {
  const keys = { ekPublic: STRUCTURE, ekChain: STRUCTURE, akPublic: STRUCTURE };
  const identity = { bootId: BOOT_ID, ...keys };
  const frames = [
    encodeMonitorRequest({ op: "identity" }),
    encodeMonitorRequest({ op: "activate", credentialBlob: STRUCTURE, secret: STRUCTURE }),
    encodeMonitorAnswer("identity", { ...identity, ekCertificate: STRUCTURE }),
    encodeMonitorAnswer("identity", { ...identity, ekCertificate: null }),
    encodeMonitorAnswer("activate", { credential: STRUCTURE }),
    encodeMonitorAnswer("evidence", { evidence: STRUCTURE }),
    encodeMonitorRefusal({ code: "LOG_IO", message: "no space" }),
  ];
  return {
    name: "monitor-message",
    seeds: frames.map((frame) => frame.slice(FRAME_HEADER)),
    mutators: [mutateCbor],
    inputMax: 20 * 1024,
    errors: ["ProtocolError"],
    run(input) {
      const readers = [() => request(input), ...OPS.map((op) => () => answer(op, input))];
      return readers.map(outcomeOf).join(" ");
    },
  };
}

function request(input: Uint8Array): string {
  const value = decodeMonitorRequest(input);
  promiseViewsWithin(value, input);
  promiseSame(encodeMonitorRequest(value), input);
  return value.op;
}

function answer(op: MonitorOp, input: Uint8Array): string {
  const value = decodeMonitorAnswer(op, input);
  promiseViewsWithin(value, input);
  if (!value.ok) {
    const { code, message } = value;
    promiseSame(encodeMonitorRefusal({ code, message }), input);
    return "refused";
  }
  const { ok: _, ...granted } = value;
  promiseSame(encodeMonitorAnswer(op, granted), input);
  return `granted ${op}`;
}

function promiseSame(frame: Uint8Array, payload: Uint8Array): void {
  promise(Buffer.compare(frame.subarray(FRAME_HEADER), payload) === 0, "a message has two forms");
}

function outcomeOf(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return error.message.replace(/\d+|".*/g, "");
    throw error;
  }
}
