// SPDX-License-Identifier: Apache-2.0

import type { Server } from "node:https";
import type { Socket } from "node:net";
import {
  decodeChallengeRequest,
  EVIDENCE_MAX,
  encodeChallenge,
  encodeErrorAnswer,
  encodeEvidenceAnswer,
  encodeExplanation,
  encodeNodeList,
  encodeNodeReport,
  type PeerRole,
  parseJson,
} from "@nsattest/protocol";
import { type FastifyInstance, type FastifyRequest, fastify } from "fastify";
import { VerifierError } from "./error.ts";
import type { Log } from "./log.ts";
import { NOT_PROVEN, printable, refusalOf } from "./refusal.ts";
import type { Verifier } from "./verifier.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may use the route: an operator, or the node that `:id` names. A route that does not say is closed to all. */
    admits?: "operator" | "node";
  }
}

export interface ServerDependencies {
  readonly verifier: Verifier;
  /** PEM: the authority of all peers, and the verifier's own certificate and key. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string };
  readonly log: Log;
  /** Who is at the other end of a connection, or null for a stranger (see `peer.ts`). */
  readonly peerOf: (socket: Socket) => PeerRole | null;
}

interface NodeRoute {
  Params: { id: string };
}

interface NamespaceRoute {
  Params: NodeRoute["Params"] & { namespace: string };
}

const CHALLENGE_MAX = 1024;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** For a whole request: the largest evidence over a slow line. */
const REQUEST_TIMEOUT_MS = 120_000;
const BAD_REQUEST = errorJson("REQUEST_INVALID", "not an HTTP request");

/**
 * The verifier's HTTP interface; does not listen yet. Nobody without a certificate of the authority gets through the
 * handshake, and who may not use a route is refused before anything of the request's body is read. Every error is
 * answered as `{error: {code, message}}`.
 */
export function buildServer({
  verifier,
  tls,
  log,
  peerOf,
}: ServerDependencies): FastifyInstance<Server> {
  const server = fastify({
    https: {
      ca: tls.ca,
      cert: tls.certificate,
      key: tls.key,
      minVersion: "TLSv1.3",
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    exposeHeadRoutes: false,
    clientErrorHandler: (_, socket) => answerGarbage(socket),
    frameworkErrors: (error, _, reply) => {
      const { status, code, message } = refusalOf(error);
      const head = { "content-type": "application/json" };
      reply.raw.writeHead(status, head).end(errorJson(code, message));
    },
  });
  server.removeAllContentTypeParsers();

  server.addHook("onRequest", async (request) => {
    if (!request.is404 && !isAdmitted(request, peerOf(request.raw.socket))) {
      throw new VerifierError("ACCESS_DENIED", "not with this certificate");
    }
  });
  server.setNotFoundHandler(() => {
    throw new VerifierError("NOT_FOUND", "no such resource");
  });
  server.setErrorHandler(async (error, _, reply) => {
    const { status, code, message } = refusalOf(error);
    if (status >= 500) log("fault", { code, detail: String((error as Error).stack ?? error) });
    return reply.code(status).send(encodeErrorAnswer({ code, message }));
  });

  server.register(async (scope) => addJsonRoutes(scope, verifier));
  server.register(async (scope) => addEvidenceRoute(scope, verifier));
  return server;
}

function addJsonRoutes(scope: FastifyInstance, verifier: Verifier): void {
  scope.addContentTypeParser(
    "application/json",
    { parseAs: "buffer", bodyLimit: CHALLENGE_MAX },
    async (_: FastifyRequest, body: Buffer) => parseJson(body),
  );
  scope.post<NodeRoute>(
    "/v1/nodes/:id/challenge",
    { config: { admits: "node" } },
    async ({ params, body }) =>
      encodeChallenge(await verifier.challenge(params.id, decodeChallengeRequest(body))),
  );
  scope.get("/v1/nodes", { config: { admits: "operator" } }, async () =>
    encodeNodeList(verifier.summaries()),
  );
  scope.get<NodeRoute>("/v1/nodes/:id", { config: { admits: "operator" } }, async ({ params }) =>
    encodeNodeReport(verifier.report(params.id)),
  );
  scope.get<NamespaceRoute>(
    "/v1/nodes/:id/namespaces/:namespace/explanation",
    { config: { admits: "operator" } },
    async ({ params }) => encodeExplanation(verifier.explanation(params.id, params.namespace)),
  );
  scope.get<NodeRoute>(
    "/v1/nodes/:id/bundle",
    { config: { admits: "operator" } },
    async ({ params }, reply) =>
      reply.type("application/cbor").send(Buffer.from(verifier.bundle(params.id))),
  );
}

function addEvidenceRoute(scope: FastifyInstance, verifier: Verifier): void {
  scope.addContentTypeParser(
    "application/cbor",
    { parseAs: "buffer", bodyLimit: EVIDENCE_MAX },
    async (_: FastifyRequest, body: Buffer) => body,
  );
  scope.post<NodeRoute & { Body: Buffer | undefined }>(
    "/v1/nodes/:id/evidence",
    { config: { admits: "node" } },
    async ({ params, body }, reply) => {
      const receipt = verifier.receive(params.id, body ?? new Uint8Array());
      if (receipt.accepted) return encodeEvidenceAnswer(receipt.answer);
      const { code, detail } = receipt.reason;
      return reply.code(NOT_PROVEN).send(encodeErrorAnswer({ code, message: printable(detail) }));
    },
  );
}

function isAdmitted({ routeOptions, params }: FastifyRequest, peer: PeerRole | null): boolean {
  const { admits } = routeOptions.config;
  if (admits === undefined || peer?.role !== admits) return false;
  return peer.role !== "node" || peer.id === (params as NodeRoute["Params"]).id;
}

function errorJson(code: string, message: string): string {
  return JSON.stringify(encodeErrorAnswer({ code, message }));
}

/** What is no HTTP gets an answer all the same, and then no more. */
function answerGarbage(socket: Socket): void {
  if (!socket.writable) return;
  const head = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json";
  socket.end(`${head}\r\nContent-Length: ${BAD_REQUEST.length}\r\n\r\n${BAD_REQUEST}`);
}
