// SPDX-License-Identifier: Apache-2.0

import type { Server } from "node:https";
import type { Socket } from "node:net";
import {
  decodeEnrolFinish,
  decodeEnrolStart,
  encodeEnrolChallenge,
  encodeEnrolResult,
  encodeErrorAnswer,
  encodeRegistration,
  isNodeId,
  type PeerRole,
} from "@nsattest/protocol";
import fastify, { type FastifyInstance } from "fastify";
import type { CertificateIssuer } from "./ca/certificate.ts";
import type { EnrolmentDesk } from "./enrol/enrolment-desk.ts";
import { finishEnrolment } from "./enrol/finish.ts";
import { startEnrolment } from "./enrol/start.ts";
import { RegistrarError } from "./error.ts";
import type { Log } from "./log.ts";
import { refusalOf } from "./refusal.ts";

/** Who may call a route. */
type Access = "anyone" | readonly PeerRole["role"][];

/** What the log line of a request says beside its outcome. */
interface Facts {
  peer?: string;
  /** Id of the node it is about. */
  node?: string;
  /** Hash of its EK, once it enrolled. */
  ek?: string;
  /** Why it was let in. */
  admittedBy?: string;
  /** Why it was refused. */
  code?: string;
  reason?: string;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** A route that does not say is closed to all. */
    access?: Access;
  }
  interface FastifyRequest {
    facts: Facts;
  }
}

export interface ServerDependencies {
  readonly desk: EnrolmentDesk;
  /** The registrar's own certificate; clients are checked against the desk's authority. */
  readonly own: CertificateIssuer;
  readonly log: Log;
  /** Who is at the other end of a connection, or null for a stranger (see `peer.ts`). */
  readonly peerOf: (socket: Socket) => PeerRole | null;
}

/** The largest request holds three TPM structures, a certificate and those above it, in base64. */
const BODY_MAX = 64 * 1024;
const TIMEOUT_MS = 10_000;
const BAD_REQUEST = errorJson("REQUEST_INVALID", "not an HTTP request");

/**
 * The registrar's HTTP interface; does not listen yet. One log line for each request says what was decided, and every
 * error is answered as `{error: {code, message}}`.
 */
export function buildServer({
  desk,
  own,
  log,
  peerOf,
}: ServerDependencies): FastifyInstance<Server> {
  const server = fastify({
    https: {
      cert: own.certificate,
      key: own.key.export({ type: "pkcs8", format: "pem" }),
      ca: desk.ca.certificate,
      minVersion: "TLSv1.3",
      // A node that enrols has no certificate yet; peerOf tells who has.
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: TIMEOUT_MS,
    },
    bodyLimit: BODY_MAX,
    requestTimeout: TIMEOUT_MS,
    connectionTimeout: TIMEOUT_MS,
    exposeHeadRoutes: false,
    clientErrorHandler: (_, socket) => answerGarbage(socket),
    frameworkErrors: (error, _, reply) => {
      const { status, code, message } = refusalOf(error);
      const head = { "content-type": "application/json" };
      reply.raw.writeHead(status, head).end(errorJson(code, message));
    },
  });
  server.removeContentTypeParser("text/plain");
  server.decorateRequest("facts");

  server.addHook("onRequest", async (request) => {
    request.facts = {};
    const peer = peerOf(request.raw.socket);
    if (peer) request.facts.peer = peer.role === "node" ? `node ${peer.id}` : peer.role;
    const { access } = request.routeOptions.config;
    if (!request.is404 && !isAllowed(peer, access)) {
      throw new RegistrarError("ACCESS_DENIED", "not with this certificate, or without any");
    }
  });
  server.addHook("onResponse", async ({ method, routeOptions, ip, facts }, reply) => {
    const route = routeOptions.url ?? null;
    log("decision", { method, route, status: reply.statusCode, from: ip, ...facts });
  });
  server.setNotFoundHandler(() => {
    throw new RegistrarError("NOT_FOUND", "no such resource");
  });
  server.setErrorHandler(async (error, request, reply) => {
    const { status, code, message } = refusalOf(error);
    Object.assign(request.facts, { code, reason: message });
    if (status >= 500) log("fault", { code, detail: String((error as Error).stack ?? error) });
    return reply.code(status).send(encodeErrorAnswer({ code, message }));
  });

  server.post("/v1/enrol/start", { config: { access: "anyone" } }, async (request) => {
    const message = decodeEnrolStart(request.body);
    request.facts.node = message.nodeId;
    return encodeEnrolChallenge(startEnrolment(desk, message));
  });
  server.post("/v1/enrol/finish", { config: { access: "anyone" } }, async (request) => {
    const { node, result } = finishEnrolment(desk, decodeEnrolFinish(request.body));
    const admittedBy = node.admitted.by;
    Object.assign(request.facts, { node: node.nodeId, ek: node.ekHash, admittedBy });
    return encodeEnrolResult(result);
  });
  server.get<{ Params: { id: string } }>(
    "/v1/nodes/:id",
    { config: { access: ["verifier", "operator"] } },
    async (request) => {
      const { id } = request.params;
      const [node] = isNodeId(id) ? desk.store.enrolmentsOf(id, 1) : [];
      if (!node) throw new RegistrarError("NOT_FOUND", "no such node");
      request.facts.node = id;
      const { akPublic, admittedBy, ekHash, enrolledAt } = node;
      return encodeRegistration({
        id,
        akPublic,
        admittedBy,
        ekHash,
        enrolledAt: enrolledAt.toISOString(),
      });
    },
  );
  return server;
}

function isAllowed(peer: PeerRole | null, access: Access | undefined): boolean {
  if (access === "anyone") return true;
  return access !== undefined && peer !== null && access.includes(peer.role);
}

function errorJson(code: string, message: string): string {
  return JSON.stringify(encodeErrorAnswer({ code, message }));
}

/** What is no HTTP gets an answer all the same, and then no more. */
function answerGarbage(socket: Socket): void {
  if (!socket.writable) return;
  const head = `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json`;
  socket.end(`${head}\r\nContent-Length: ${BAD_REQUEST.length}\r\n\r\n${BAD_REQUEST}`);
}
