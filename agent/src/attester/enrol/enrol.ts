// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject, sign } from "node:crypto";
import {
  decodeEnrolChallenge,
  decodeEnrolResult,
  type EnrolChallenge,
  encodeEnrolFinish,
  encodeEnrolStart,
  enrolmentProof,
} from "@nsattest/protocol";
import { AttesterError } from "../error.ts";
import { createHttpsClient, jsonBody } from "../https-client.ts";
import { readEnrolment, writeEnrolment } from "./enrolment-file.ts";
import {
  certificateHash,
  type Expected,
  type NodeCertificate,
  readNodeCertificate,
} from "./node-certificate.ts";
import { readIfPresent } from "./private-file.ts";
import { loadTlsKey } from "./tls-key.ts";

/** The public parts of the TPM's keys. */
export interface TpmIdentity {
  /** TPMT_PUBLIC. */
  readonly ekPublic: Uint8Array;
  /** DER, as the TPM holds it; null when it holds none. */
  readonly ekCertificate: Uint8Array | null;
  /** DER of certificates above it that the TPM holds, one after the other. */
  readonly ekChain: Uint8Array;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
}

/** What enrolment needs of the monitor, which has the TPM. */
export interface EnrolmentTpm {
  identity(): Promise<TpmIdentity>;
  /** TPM2_ActivateCredential; resolves to the credential. */
  activate(wrapped: Pick<EnrolChallenge, "credentialBlob" | "secret">): Promise<Uint8Array>;
}

export interface EnrolOptions {
  /** `https://host:port`. */
  readonly registrarUrl: string;
  readonly nodeId: string;
  readonly tpm: EnrolmentTpm;
  /** PEM of the authority: who has a certificate of another is not our registrar. */
  readonly caFile: string;
  /** Made when it is not there. */
  readonly tlsKeyFile: string;
  /** Where the certificate is kept, with the AK it was given for. */
  readonly enrolmentFile: string;
  /** File with the token of an operator's, or null. */
  readonly joinTokenFile: string | null;
  /** Enrol even though the certificate on disk is good: to renew it, or for a registrar that has forgotten the node. */
  readonly renew: boolean;
  readonly now: () => Date;
  readonly signal?: AbortSignal;
}

/** What the node shows to the verifier; all PEM. */
export interface Enrolment {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  /** When a new certificate should be asked for: in the last third of the time of this one, which is good until its end. */
  readonly renewAt: Date;
}

const TIMEOUT_MS = 30_000;
const ANSWER_MAX = 256 * 1024;

/**
 * Makes sure that the node is enrolled: that the registrar knows its AK and has certified its TLS key.
 *
 * Resumes without the registrar when the certificate on disk is for this node, TLS key and AK, from the given
 * authority, and good now. Else it enrols, once: whether and when to try again is the caller's to say.
 *
 * @throws AttesterError `ENROL_*`, `HTTPS_*`; ProtocolError for an answer that is none; what `tpm` throws
 */
export async function enrol(options: EnrolOptions): Promise<Enrolment> {
  const { nodeId, tpm, enrolmentFile, now } = options;
  const ca = await readIfPresent(options.caFile);
  if (ca === null) throw new AttesterError("ENROL_FILE", `${options.caFile} is not there`);
  const identity = await tpm.identity();
  const key = await loadTlsKey(options.tlsKeyFile);
  const expected: Expected = { nodeId, key, ca };

  const stored = await readEnrolment(enrolmentFile);
  const last = stored && readNodeCertificate(stored.certificate, expected);
  const isOurs = stored && Buffer.from(stored.akPublic).equals(identity.akPublic);
  if (last && isOurs && !options.renew && isGood(last, now())) return enrolmentOf(last, expected);
  const certificate = readNodeCertificate(
    await askRegistrar(options, identity, expected, stored && certificateHash(stored.certificate)),
    expected,
  );
  if (!certificate) {
    throw new AttesterError(
      "ENROL_CERTIFICATE",
      "the registrar's certificate is not for this node",
    );
  }
  const { akPublic } = identity;
  await writeEnrolment(enrolmentFile, { akPublic, certificate: certificate.pem });
  return enrolmentOf(certificate, expected);
}

/** Both halves of an enrolment; resolves to the certificate that the registrar answers with. */
async function askRegistrar(
  { registrarUrl, nodeId, tpm, joinTokenFile, signal }: EnrolOptions,
  { ekPublic, ekCertificate, ekChain, akPublic }: TpmIdentity,
  { key, ca }: Expected,
  previousCertificate: string | null,
): Promise<string> {
  const registrar = createHttpsClient({
    url: registrarUrl,
    ca,
    role: "registrar",
    own: null,
    timeoutMs: TIMEOUT_MS,
    maxAnswerBytes: ANSWER_MAX,
  });
  const tlsKey = createPublicKey(key).export({ type: "spki", format: "der" });
  const keys = { ekPublic, ekCertificate, ekChain, akPublic, tlsKey };
  const start = encodeEnrolStart({
    nodeId,
    ...keys,
    joinToken: await readToken(joinTokenFile),
    previousCertificate,
  });
  const challenge = decodeEnrolChallenge(
    await registrar.post("/v1/enrol/start", jsonBody(start), signal),
  );
  const finish = encodeEnrolFinish({
    enrolmentId: challenge.enrolmentId,
    proof: enrolmentProof(await tpm.activate(challenge), tlsKey),
    possession: sign("sha256", Buffer.from(challenge.enrolmentId), key),
  });
  const result = await registrar.post("/v1/enrol/finish", jsonBody(finish), signal);
  return decodeEnrolResult(result).certificate;
}

/** The token in the file, or null when there is no file: a node that is enrolled needs none any more. */
async function readToken(file: string | null): Promise<string | null> {
  const text = file === null ? null : await readIfPresent(file);
  return text?.trim() ?? null;
}

function isGood({ validFrom, validTo }: NodeCertificate, now: Date): boolean {
  return validFrom <= now && now < validTo;
}

function renewalOf({ validFrom, validTo }: NodeCertificate): Date {
  const [start, end] = [validFrom.getTime(), validTo.getTime()];
  return new Date(end - (end - start) / 3);
}

function enrolmentOf(certificate: NodeCertificate, { key, ca }: Expected): Enrolment {
  return {
    certificate: certificate.pem,
    key: pemOf(key),
    ca,
    renewAt: renewalOf(certificate),
  };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
