// SPDX-License-Identifier: Apache-2.0

import { request } from "node:https";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import {
  decodeRegistration,
  parseJson,
  parsePeerRole,
  type Registration,
} from "@nsattest/protocol";
import { VerifierError } from "./error.ts";

/** What the registrar vouches for. */
export interface RegisteredNode {
  /** TPMT_PUBLIC of the attestation key, which lives in a TPM that the registrar has let in. */
  readonly akPublic: Uint8Array;
  /** The TPM's vendor says that it is one. Else only an operator does. */
  readonly ekChained: boolean;
}

/** The registrar, as the verifier uses it. */
export interface Registrar {
  /**
   * The node as the registrar knows it now, or null when it knows none.
   *
   * @throws VerifierError `REGISTRAR_UNAVAILABLE`
   */
  findNode(id: string): Promise<RegisteredNode | null>;
}

export interface RegistrarClientOptions {
  readonly url: string;
  /** PEM: the authority, and the verifier's own certificate and key. */
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string };
  /** For a whole answer. */
  readonly timeoutMs: number;
}

const ANSWER_MAX = 64 * 1024;

/** Asks the registrar over mutual TLS; nothing is kept. */
export function createRegistrarClient(options: RegistrarClientOptions): Registrar {
  return {
    async findNode(id) {
      const { status, body } = await get(`/v1/nodes/${encodeURIComponent(id)}`, options);
      if (status === 404) return null;
      if (status !== 200) throw unavailable(`it answered ${status}`);
      return readNode(body, id);
    },
  };
}

/** Anything but a registration of this node is taken for no answer. */
function readNode(answer: Uint8Array, id: string): RegisteredNode {
  let registration: Registration;
  try {
    registration = decodeRegistration(parseJson(answer));
  } catch (cause) {
    throw unavailable("its answer is no registration", cause);
  }
  if (registration.id !== id) throw unavailable("it answered for another node");
  const { akPublic, admittedBy } = registration;
  return { akPublic, ekChained: admittedBy === "ek-certificate" };
}

function get(
  path: string,
  { url, tls, timeoutMs }: RegistrarClientOptions,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(unavailable(cause.message, cause));
    const call = request(new URL(path, url), {
      ca: tls.ca,
      cert: tls.certificate,
      key: tls.key,
      minVersion: "TLSv1.3",
      // Its own connection each time: of a resumed session Node does not check name and role again.
      agent: false,
      checkServerIdentity: checkRegistrarIdentity,
      signal: AbortSignal.timeout(timeoutMs),
    });
    call.on("error", fail);
    call.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_MAX) response.destroy(new Error("its answer is too long"));
        else chunks.push(chunk);
      });
      response.on("error", fail);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
      );
    });
    call.end();
  });
}

/** Every node has a certificate of the same authority: only the role tells the registrar from them. */
function checkRegistrarIdentity(host: string, certificate: PeerCertificate): Error | undefined {
  const mismatch = checkServerIdentity(host, certificate);
  if (mismatch) return mismatch;
  return isRegistrar(certificate.subjectaltname)
    ? undefined
    : new Error("who answers is not the registrar");
}

function isRegistrar(subjectAltName: string | undefined): boolean {
  try {
    return parsePeerRole(subjectAltName).role === "registrar";
  } catch {
    return false;
  }
}

function unavailable(why: string, cause?: unknown): VerifierError {
  return new VerifierError("REGISTRAR_UNAVAILABLE", `asked the registrar: ${why}`, { cause });
}
