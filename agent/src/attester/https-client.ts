// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { checkServerIdentity, type PeerCertificate, TLSSocket } from "node:tls";
import { decodeErrorAnswer, type PeerRole, parseJson, parsePeerRole } from "@nsattest/protocol";
import { AttesterError } from "./error.ts";

export interface HttpsClientOptions {
  /** Where the service is: `https://host:port`. */
  readonly url: string;
  /** PEM of the authority; no other is trusted. */
  readonly ca: string;
  /** What the service's certificate must say it is. */
  readonly role: PeerRole["role"];
  /** PEM: our own certificate and key, or null while we have none. */
  readonly own: { readonly certificate: string; readonly key: string } | null;
  /** For one request and its whole answer. */
  readonly timeoutMs: number;
  /** Longest answer that is read. */
  readonly maxAnswerBytes: number;
}

export interface RequestBody {
  readonly type: "application/json" | "application/cbor";
  readonly bytes: Uint8Array;
}

/** Sends requests to one service over TLS 1.3. Nothing is tried twice: whether that is safe, the caller knows. */
export interface HttpsClient {
  /**
   * Posts `body` and returns the JSON of a 2xx answer, unchecked.
   *
   * @throws AttesterError `HTTPS_*`; also `HTTPS_UNREACHABLE` when `signal` aborts
   */
  post(path: string, body: RequestBody, signal?: AbortSignal): Promise<unknown>;
}

/** A request body of JSON. */
export function jsonBody(value: unknown): RequestBody {
  return { type: "application/json", bytes: Buffer.from(JSON.stringify(value)) };
}

/** @throws AttesterError `HTTPS_URL` */
export function createHttpsClient(options: HttpsClientOptions): HttpsClient {
  const base = parseUrl(options.url);
  const agent = new Agent({
    ca: options.ca,
    ...(options.own ? { cert: options.own.certificate, key: options.own.key } : {}),
    minVersion: "TLSv1.3",
    // Of a resumed session Node does not check the server's name and role again.
    maxCachedSessions: 0,
    checkServerIdentity: (host, certificate) => checkIdentity(host, certificate, options.role),
  });
  return {
    async post(path, body, signal) {
      const timeout = AbortSignal.timeout(options.timeoutMs);
      const either = signal ? AbortSignal.any([timeout, signal]) : timeout;
      try {
        const answer = await send(new URL(path, base), body, agent, either);
        const bytes = await readAll(answer, options.maxAnswerBytes);
        return readAnswer(answer.statusCode ?? 0, bytes, options.maxAnswerBytes);
      } catch (cause) {
        if (cause instanceof AttesterError) throw cause;
        if (timeout.aborted)
          throw new AttesterError("HTTPS_TIMEOUT", `${base} is too slow`, { cause });
        throw new AttesterError("HTTPS_UNREACHABLE", `${base}: ${reason(cause)}`, { cause });
      }
    },
  };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "https:") {
    throw new AttesterError("HTTPS_URL", `${JSON.stringify(text)} is no https URL`);
  }
  return url;
}

/** Every node has a certificate of the same authority: only the role tells a service from them. */
function checkIdentity(
  host: string,
  certificate: PeerCertificate,
  role: PeerRole["role"],
): Error | undefined {
  const mismatch = checkServerIdentity(host, certificate);
  if (mismatch) return mismatch;
  try {
    if (parsePeerRole(certificate.subjectaltname).role === role) return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error("no role", { cause: error });
  }
  return new Error(`who answers is not the ${role}`);
}

function send(
  url: URL,
  { type, bytes }: RequestBody,
  agent: Agent,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": type, "content-length": bytes.length };
    const call = request(url, { method: "POST", agent, headers, signal });
    call.on("response", resolve);
    call.on("error", (cause) => {
      const untrusted = call.socket instanceof TLSSocket && call.socket.authorizationError;
      reject(
        untrusted
          ? new AttesterError("HTTPS_UNTRUSTED", `${url.origin}: ${cause.message}`, { cause })
          : cause,
      );
    });
    call.end(bytes);
  });
}

async function readAll(answer: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Leaving the loop destroys the answer.
    if (size > maxBytes)
      throw new AttesterError("HTTPS_ANSWER_TOO_LARGE", "the answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readAnswer(status: number, bytes: Uint8Array, maxBytes: number): unknown {
  const succeeded = status >= 200 && status < 300;
  let answer: unknown;
  try {
    answer = parseJson(bytes, maxBytes);
  } catch (cause) {
    if (succeeded) {
      throw new AttesterError("HTTPS_ANSWER_MALFORMED", "the answer is not JSON", { cause });
    }
  }
  if (succeeded) return answer;
  const { code, message } = readRefusal(answer);
  throw new AttesterError("HTTPS_REFUSED", `${status} ${code ?? ""}: ${message}`, {
    refusal: { status, code },
  });
}

/** A proxy in between may answer anything. */
function readRefusal(answer: unknown): { code: string | null; message: string } {
  try {
    return decodeErrorAnswer(answer);
  } catch {
    return { code: null, message: "no reason given" };
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
