// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

import type { Checks } from "./check.ts";

const FINISH = "registrar/src/enrol/finish.ts";
const PENDING = "registrar/src/enrol/pending-enrolments.ts";
const CERTIFICATE = "registrar/src/enrol/ek-certificate.ts";
const CHAIN = "registrar/src/enrol/ek-chain.ts";
const ADMISSION = "registrar/src/enrol/admission.ts";
const STORE = "registrar/src/store/store.ts";
const SERVER = "registrar/src/server.ts";

/** What makes a node's key one of a real TPM, and the node's id that TPM's. */
export const ENROLMENT_CHECKS = {
  "enrol-roots": {
    file: CHAIN,
    excerpt: "if (trust.roots.length === 0) {",
    without: "if (trust.roots.length === 0) return;\n  if (false) {",
    guards: "without a configured root nobody enrols",
  },
  "enrol-issuer": {
    file: CHAIN,
    excerpt: "return fault ?? unknownIssuer(subject);",
    without: "return fault;",
    guards: "somebody configured vouches for the EK",
  },
  "enrol-issuer-ca": {
    file: CHAIN,
    excerpt:
      'if (!issuer.ca) return { code: "EK_ISSUER_NOT_CA", message: `${name(issuer)} is no authority` };',
    without: "",
    guards: "who vouches for an EK is an authority",
    tests: [
      {
        file: "registrar/src/enrol/ek-certificate.test.ts",
        title: "is refused when its issuer is no authority",
      },
    ],
  },
  "enrol-issuer-names": {
    file: CHAIN,
    excerpt: "if (!subject.checkIssued(issuer)) return unknownIssuer(subject);",
    without: "",
    guards: "key identifiers and key usage of an issuer are respected",
    tests: [
      {
        file: "registrar/src/enrol/ek-certificate.test.ts",
        title: "is refused when an impostor has the issuer's name",
      },
    ],
  },
  "enrol-issuer-signature": {
    file: CHAIN,
    excerpt: "if (!subject.verify(issuer.publicKey)) {",
    without: "if (false) {",
    guards: "the vendor signed the EK certificate",
  },
  "enrol-issuer-expired": {
    file: CHAIN,
    excerpt: "if (this.#now > new Date(issuer.validTo)) {",
    without: "if (false) {",
    guards: "who vouches for an EK still does",
  },
  "enrol-issuer-not-yet": {
    file: CHAIN,
    excerpt: "if (this.#now < new Date(issuer.validFrom)) {",
    without: "if (false) {",
    guards: "who vouches for an EK does already",
    tests: [
      {
        file: "registrar/src/enrol/ek-certificate.test.ts",
        title: "is refused when an issuer is out of its time",
      },
    ],
  },
  "enrol-chain-length": {
    file: CHAIN,
    excerpt:
      "if (depth === MAX_ISSUERS || this.#candidates > MAX_CANDIDATES) return tooLong(subject);",
    without: "",
    guards: "the search for a root ends",
    tests: [
      {
        file: "registrar/src/enrol/ek-certificate.test.ts",
        title: "costs a bounded number of looks when many certificates have one name",
      },
    ],
  },
  "enrol-ek-usage": {
    file: CERTIFICATE,
    excerpt: "if (certificate.ca || !certificate.keyUsage?.includes(EK_CERTIFICATE_USAGE)) {",
    without: "if (false) {",
    guards: "the certificate is one of an endorsement key",
  },
  "enrol-ek-key-usage": {
    file: CERTIFICATE,
    excerpt:
      'if (!mayUnwrapSecrets(certificate, key.asymmetricKeyType === "rsa" ? "rsa" : "ec")) {',
    without: "if (false) {",
    guards: "the certificate lets its key do what an endorsement key does",
  },
  "enrol-critical": {
    file: CERTIFICATE,
    excerpt: "if (strange !== null) {",
    without: "if (false) {",
    guards: "what an EK certificate's issuer called critical is understood",
  },
  "enrol-issuer-critical": {
    file: CHAIN,
    excerpt: "if (strange !== null) {",
    without: "if (false) {",
    guards: "so it is in the certificates above it",
  },
  "enrol-path-length": {
    file: CHAIN,
    excerpt: "if (depth > pathLengthOf(issuer)) {",
    without: "if (false) {",
    guards: "an authority has as many authorities below it as it may",
  },
  "enrol-ek-sent": {
    file: CERTIFICATE,
    excerpt: "if (certificates.length > MAX_SENT) {",
    without: "if (false) {",
    guards: "a node sends few certificates",
    tests: [
      {
        file: "registrar/src/enrol/ek-certificate.test.ts",
        title: "is refused with more than eight certificates beside it, or with what is none",
      },
    ],
  },
  "enrol-extensions": {
    file: "registrar/src/enrol/certificate-parts.ts",
    excerpt: "if (extensions.length === MAX_EXTENSIONS) {",
    without: "if (false) {",
    guards: "the walk over a certificate's extensions ends",
    tests: [
      {
        file: "registrar/src/enrol/certificate-parts.test.ts",
        title: "are not read with more than 64 extensions",
      },
    ],
  },
  "enrol-ek-not-yet": {
    file: CERTIFICATE,
    excerpt: "if (now < new Date(certificate.validFrom)) {",
    without: "if (false) {",
    guards: "the EK certificate is valid already",
    tests: [
      {
        file: "registrar/src/enrol/ek-certificate.test.ts",
        title: "is valid in its time only, to the second",
      },
    ],
  },
  "enrol-ek-expired": {
    file: CERTIFICATE,
    excerpt: "if (now > new Date(certificate.validTo)) {",
    without: "if (false) {",
    guards: "the EK certificate is still valid",
  },
  "enrol-ek-key": {
    file: CERTIFICATE,
    excerpt: "if (!certificateKey(certificate).equals(key)) {",
    without: "if (false) {",
    guards: "the certificate is about the key that opens the secret",
  },
  "enrol-ek-template": {
    file: "registrar/src/enrol/ek-template.ts",
    excerpt: "if (ekKindOf(area) === null) {",
    without: "if (false) {",
    guards: "the EK decrypts for nobody, and what is wrapped for it is strong",
  },
  "enrol-way-certificate": {
    file: ADMISSION,
    excerpt: "if (trust === null || ekCertificate === null) return null;",
    without:
      'if (ekCertificate === null) return null;\n  if (trust === null) return { by: "ek-certificate", ekCertificate, unapproved: null };',
    guards: "a certificate counts where that way in is open",
  },
  "enrol-way-closed": {
    file: ADMISSION,
    excerpt: "if (!isOpen) return null;",
    without: "",
    guards: "what an operator decided counts while that way in is open",
  },
  "enrol-way-token": {
    file: ADMISSION,
    excerpt: "if (ways.joinToken && joinToken !== null) {",
    without: "if (joinToken !== null) {",
    guards: "a token counts where that way in is open",
  },
  "enrol-way-node": {
    file: ADMISSION,
    excerpt: "if (admission.nodeId !== null && admission.nodeId !== request.nodeId) {",
    without: "if (false) {",
    guards: "an EK that was let in under an id has that id",
  },
  "enrol-token-known": {
    file: ADMISSION,
    excerpt:
      'if (!token) throw new RegistrarError("JOIN_TOKEN_INVALID", "no such token was given out");',
    without: 'if (!token) return { by: "join-token", ekCertificate: null, unapproved: hash };',
    guards: "a token is one that an operator gave out",
  },
  "enrol-token-used": {
    file: ADMISSION,
    excerpt: "if (token.ekHash !== null && (token.ekHash !== ekHash || token.nodeId !== nodeId)) {",
    without: "if (false) {",
    guards: "a token is for one TPM and node",
  },
  "enrol-token-expired": {
    file: ADMISSION,
    excerpt: "if (token.ekHash === null && now >= token.expiresAt) {",
    without: "if (false) {",
    guards: "a token is used in its time",
  },
  "enrol-token-approved": {
    file: FINISH,
    excerpt: "if (admitted.unapproved !== null) {",
    without: "if (false) {",
    guards: "who came with a token waits for an operator",
  },
  "enrol-cloned": {
    file: STORE,
    excerpt:
      "return !last || previousHash === last.certificate_hash || previousHash === last.previous_hash;",
    without: "return true;",
    guards: "each renewal of a node goes on from the one before",
  },
  "enrol-cloned-for-good": {
    file: STORE,
    excerpt: "if (row?.cloned) return false;",
    without: "",
    guards: "of two machines behind one id none goes on",
  },
  "enrol-replaced": {
    file: STORE,
    excerpt: "AND node.ek_hash = enrolment.ek_hash",
    without: "",
    guards: "a key is told while the node's id is its TPM's",
  },
  "enrol-unchained": {
    file: "verifier/src/verdict/ek-limit.ts",
    excerpt: "if (ekChained) return standing;",
    without: "if (ekChained || standing) return standing;",
    guards: "a verdict says that no vendor vouches for the TPM",
  },
  "enrol-ak": {
    file: "registrar/src/enrol/attestation-key.ts",
    excerpt: "assertAttestationKey(area);",
    without: "",
    guards: "a node enrols with a key that cannot be made to lie",
    tests: [
      {
        file: "registrar/src/enrol/enrolment.test.ts",
        title: "is refused for an AK that signs whatever it is given",
      },
    ],
  },
  "enrol-ak-bound": {
    file: "registrar/src/enrol/start.ts",
    excerpt: "const akName = attestationKeyName(akPublic);",
    without:
      'const akName = Buffer.concat([Buffer.from("000b", "hex"), createHash("sha256").update(attestationKeyName(akPublic) && "any").digest()]);',
    guards: "the secret opens only where the AK is",
  },
  "enrol-id-taken": {
    file: "registrar/src/enrol/start.ts",
    excerpt: "if (owner !== null && owner !== ekHash) {",
    without: "if (nodeId.length === UUID_LENGTH ? false : owner !== ekHash) {",
    guards: "an id stays the first TPM's",
    tests: [
      {
        file: "registrar/src/enrol/enrolment.test.ts",
        title: "is refused for an id that belongs to another TPM",
      },
    ],
  },
  "enrol-id-hash": {
    file: "registrar/src/enrol/start.ts",
    excerpt: "nodeId.length === UUID_LENGTH ? store.ekHashOf(nodeId) : nodeId;",
    without: "store.ekHashOf(nodeId);",
    guards: "an id that is a hash is the hash of this EK",
  },
  "enrol-id-race": {
    file: "registrar/src/store/store.ts",
    excerpt: "if (this.ekHashOf(id) !== ekHash) {",
    without: "if (false) {",
    guards: "of two that enrol under one id the first has it",
  },
  "enrol-proof": {
    file: FINISH,
    excerpt: "if (!isSame(enrolmentProof(node.credential, node.tlsKey), request.proof)) {",
    without: "if (false) {",
    guards: "the TPM opened the secret, for this TLS key",
  },
  "enrol-possession": {
    file: FINISH,
    excerpt:
      "if (!isSignature(parseTlsKey(node.tlsKey), request.enrolmentId, request.possession)) {",
    without: "if (false) {",
    guards: "who enrols holds the TLS key that is certified",
  },
  "enrol-known": {
    file: PENDING,
    excerpt: 'if (!entry) throw new RegistrarError("ENROLMENT_UNKNOWN", "no such enrolment");',
    without: "if (!entry) return [...this.#entries.values()][0]?.pending as PendingEnrolment;",
    guards: "an enrolment is finished that was started",
  },
  "enrol-once": {
    file: PENDING,
    excerpt: "this.#entries.delete(id);\n    if (now.getTime() >= entry.expiresAt) {",
    without: "if (now.getTime() >= entry.expiresAt) {",
    guards: "an enrolment is tried once",
  },
  "enrol-expired": {
    file: PENDING,
    excerpt: "if (now.getTime() >= entry.expiresAt) {",
    without: "if (false) {",
    guards: "a secret is of use for a short time",
  },
  "enrol-flood": {
    file: PENDING,
    excerpt: "if (oldest && sameEk.length >= this.#limits.perEk) this.#entries.delete(oldest[0]);",
    without: "",
    guards: "one EK does not use up the room of others",
    tests: [
      {
        file: "registrar/src/enrol/pending-enrolments.test.ts",
        title: "gives way to a newer one of the same EK only",
      },
    ],
  },
  "enrol-total": {
    file: PENDING,
    excerpt: "if (this.#entries.size >= this.#limits.total) {",
    without: "if (false) {",
    guards: "enrolments under way are bounded",
    tests: [
      {
        file: "registrar/src/enrol/pending-enrolments.test.ts",
        title: "is refused when there are too many, until some expire",
      },
    ],
  },
  "enrol-access": {
    file: SERVER,
    excerpt: "return access !== undefined && peer !== null && access.includes(peer.role);",
    without: "return true;",
    guards: "only the verifier and operators are told a node's key",
  },
  "enrol-authorized": {
    file: "registrar/src/peer.ts",
    excerpt: "if (!(socket instanceof TLSSocket) || !socket.authorized) return null;",
    without: "if (!(socket instanceof TLSSocket)) return null;",
    guards: "a certificate counts when TLS has verified it",
  },
  "enrol-size": {
    file: SERVER,
    excerpt: "bodyLimit: BODY_MAX,",
    without: "bodyLimit: 2 ** 30,",
    guards: "a stranger's request is small",
  },
} as const satisfies Checks;
