// SPDX-License-Identifier: Apache-2.0

import {
  decodeMonitorRequest,
  encodeEvidence,
  encodeMonitorAnswer,
  encodeMonitorRefusal,
  ProtocolError,
} from "@nsattest/protocol";
import { TpmError } from "@nsattest/tpm";
import { AgentError } from "../../error.ts";
import type { MonitorTpm } from "../anchor/tpm-port.ts";
import type { Monitor } from "../monitor.ts";

const UNPRINTABLE = /[^ -~]/g;
const MESSAGE_MAX = 500;

/**
 * Answers one frame of the agent. The agent is not trusted: it can ask for a quote over a nonce and for what belongs to it, and for
 * a credential that only this TPM can open; it can neither choose keys nor write anything.
 */
export async function answerAgent(
  monitor: Pick<Monitor, "evidence">,
  tpm: Pick<MonitorTpm, "identity" | "activate">,
  bootId: string,
  payload: Uint8Array,
): Promise<Uint8Array> {
  try {
    const request = decodeMonitorRequest(payload);
    switch (request.op) {
      case "identity":
        return encodeMonitorAnswer("identity", { bootId, ...tpm.identity() });
      case "activate": {
        const credential = await tpm.activate(request.credentialBlob, request.secret);
        return encodeMonitorAnswer("activate", { credential });
      }
      case "evidence": {
        const { nonce, listOffset, logOffset } = request;
        const parts = await monitor.evidence(request);
        const evidence = encodeEvidence({ bootId, nonce, listOffset, logOffset, ...parts });
        return encodeMonitorAnswer("evidence", { evidence });
      }
    }
  } catch (error) {
    const known =
      error instanceof AgentError || error instanceof ProtocolError || error instanceof TpmError;
    // In the form that the message has to have, or the agent could not read what is wrong.
    const message = (error instanceof Error ? error.message : String(error))
      .replaceAll(UNPRINTABLE, " ")
      .substring(0, MESSAGE_MAX);
    return encodeMonitorRefusal({ code: known ? error.code : "INTERNAL", message });
  }
}
