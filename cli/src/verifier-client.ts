// SPDX-License-Identifier: Apache-2.0

import { Agent, request } from "node:https";
import {
  decodeErrorAnswer,
  decodeNodeList,
  decodeNodeReport,
  type NodeReport,
  type NodeSummary,
} from "@nsattest/protocol";
import type { Access } from "./access.ts";
import { CliError } from "./error.ts";

const TIMEOUT_MS = 10_000;
const ANSWER_MAX = 256 << 20;

/** The verifier's API as an operator sees it. Every call throws CliError `VERIFIER_*`. */
export interface VerifierClient {
  nodes(): Promise<readonly NodeSummary[]>;
  node(id: string): Promise<NodeReport>;
}

export function createVerifierClient(access: Access): VerifierClient {
  const { url, ca, certificate, key } = access;
  const agent = new Agent({ ca, cert: certificate, key, minVersion: "TLSv1.3", keepAlive: true });
  const get = async <T>(path: string, decode: (json: unknown) => T): Promise<T> => {
    const { status, body } = await fetchText(new URL(path, url), agent);
    const json = parseJson(body);
    if (status !== 200) throw new CliError("VERIFIER_REFUSED", refusal(path, status, json));
    try {
      return decode(json);
    } catch (cause) {
      throw new CliError(
        "VERIFIER_ANSWER",
        `${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
  };
  return {
    nodes: () => get("/v1/nodes", decodeNodeList),
    node: (id) => get(`/v1/nodes/${encodeURIComponent(id)}`, decodeNodeReport),
  };
}

function fetchText(url: URL, agent: Agent): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(
        new CliError("VERIFIER_UNREACHABLE", `no answer from ${url.origin}: ${cause.message}`, {
          cause,
        }),
      );
    const call = request(url, { agent, timeout: TIMEOUT_MS }, (answer) => {
      const chunks: Buffer[] = [];
      let length = 0;
      answer.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > ANSWER_MAX) call.destroy(new Error("the answer is too long"));
        else chunks.push(chunk);
      });
      answer.on("error", fail);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    call.on("timeout", () => call.destroy(new Error(`nothing for ${TIMEOUT_MS} ms`)));
    call.on("error", fail);
    call.end();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliError("VERIFIER_ANSWER", "the verifier's answer is not JSON", { cause });
  }
}

function refusal(path: string, status: number, json: unknown): string {
  try {
    const { code, message } = decodeErrorAnswer(json);
    return `${path}: ${code}: ${message}`;
  } catch {
    return `${path}: HTTP ${status}`;
  }
}
