// SPDX-License-Identifier: Apache-2.0

import { Agent, request } from "node:https";
import {
  decodeErrorAnswer,
  decodeExplanation,
  decodeNodeList,
  decodeNodeReport,
  type Explanation,
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
  /** Everything that is stored of a node's boot, as it came: `decodeBundle` reads it. */
  bundle(id: string): Promise<Uint8Array>;
  /** Why `host` or a namespace of a node stands as it does. */
  explanation(id: string, namespace: string): Promise<Explanation>;
}

export function createVerifierClient(access: Access): VerifierClient {
  const { url, ca, certificate, key } = access;
  const agent = new Agent({ ca, cert: certificate, key, minVersion: "TLSv1.3", keepAlive: true });
  const fetch = async (path: string): Promise<Buffer> => {
    const { status, body } = await fetchBytes(new URL(path, url), agent);
    if (status !== 200) throw new CliError("VERIFIER_REFUSED", refusal(path, status, body));
    return body;
  };
  const get = async <T>(path: string, decode: (json: unknown) => T): Promise<T> => {
    const body = await fetch(path);
    try {
      return decode(JSON.parse(body.toString("utf8")));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CliError("VERIFIER_ANSWER", `${path}: ${why}`, { cause });
    }
  };
  const nodePath = (id: string): string => `/v1/nodes/${encodeURIComponent(id)}`;
  return {
    nodes: () => get("/v1/nodes", decodeNodeList),
    node: (id) => get(nodePath(id), decodeNodeReport),
    bundle: (id) => fetch(`${nodePath(id)}/bundle`),
    explanation: (id, namespace) => {
      const path = `${nodePath(id)}/namespaces/${encodeURIComponent(namespace)}/explanation`;
      return get(path, decodeExplanation);
    },
  };
}

function fetchBytes(url: URL, agent: Agent): Promise<{ status: number; body: Buffer }> {
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
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }),
      );
    });
    call.on("timeout", () => call.destroy(new Error(`nothing for ${TIMEOUT_MS} ms`)));
    call.on("error", fail);
    call.end();
  });
}

function refusal(path: string, status: number, body: Buffer): string {
  try {
    const { code, message } = decodeErrorAnswer(JSON.parse(body.toString("utf8")));
    return `${path}: ${code}: ${message}`;
  } catch {
    return `${path}: HTTP ${status}`;
  }
}
