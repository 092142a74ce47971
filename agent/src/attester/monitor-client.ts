// SPDX-License-Identifier: Apache-2.0

import { connect } from "node:net";
import {
  decodeMonitorAnswer,
  encodeMonitorRequest,
  FrameSplitter,
  MONITOR_ANSWER_MAX,
  type MonitorAnswers,
  type MonitorOp,
  type MonitorRequest,
} from "@nsattest/protocol";
import { AttesterError } from "./error.ts";

/** Asks the monitor, which alone reaches the TPM. */
export interface MonitorClient {
  /** @throws AttesterError `MONITOR_UNREACHABLE`, `MONITOR_REFUSED`; ProtocolError when the answer is no answer */
  ask<Op extends MonitorOp>(
    request: Extract<MonitorRequest, { op: Op }>,
  ): Promise<MonitorAnswers[Op]>;
}

/**
 * One connection a request: a monitor that was restarted in between is simply the next one that answers.
 *
 * @param timeoutMs in which the monitor must say something; a quote of a slow chip takes up to a second
 * @param stop ends the requests under way: they fail with `MONITOR_UNREACHABLE`
 */
export function createMonitorClient(
  path: string,
  timeoutMs: number,
  stop: AbortSignal,
): MonitorClient {
  return {
    async ask(request) {
      const payload = await exchange(
        { path, signal: stop },
        encodeMonitorRequest(request),
        timeoutMs,
      );
      const answer = decodeMonitorAnswer(request.op, payload);
      if (answer.ok) return answer;
      throw new AttesterError(
        "MONITOR_REFUSED",
        `the monitor refuses ${request.op}: ${answer.code}: ${answer.message}`,
      );
    },
  };
}

function exchange(
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
  request: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const splitter = new FrameSplitter(MONITOR_ANSWER_MAX);
    const socket = connect(path);
    const fail = (what: string, cause?: unknown): void => {
      socket.destroy();
      reject(new AttesterError("MONITOR_UNREACHABLE", `${path}: ${what}`, { cause }));
    };
    socket.setTimeout(timeoutMs, () => fail(`no answer within ${timeoutMs} ms`));
    socket.on("error", (error) => fail(error.message, error));
    // Not by the socket's own option: that would keep a listener on the signal for each request there ever was.
    const end = (): void => fail("ended");
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    socket.on("close", () => {
      signal.removeEventListener("abort", end);
      fail("closed without an answer");
    });
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk) => {
      try {
        const [payload] = splitter.push(chunk);
        if (payload === undefined) return;
        resolve(payload);
        socket.destroy();
      } catch (error) {
        fail("answers with what is no frame", error);
      }
    });
  });
}
