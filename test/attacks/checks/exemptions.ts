// SPDX-License-Identifier: Apache-2.0
/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: excerpts of sources, with the placeholders that they have */

/** A place that throws in the verification path and is no check of what somebody sent. */
export interface Exemption {
  readonly file: string;
  /** Text that is in the file exactly once, with the `throw` in it; null for all of the file. */
  readonly excerpt: string | null;
  readonly reason: string;
}

export const EXEMPTIONS: readonly Exemption[] = [
  {
    file: "tpm/src/event-log/event-log.ts",
    excerpt: 'throw new TpmError("EVENT_LOG"',
    reason: "the words of the checks above it",
  },
  {
    file: "verifier/src/boot/proven-boot.ts",
    excerpt: 'throw new VerifierError("BOOT_LOG_MALFORMED"',
    reason: "the code for what the checks of event logs find",
  },
  {
    file: "tpm/src/attestation-key.ts",
    excerpt: 'throw new TpmError("AK_ATTRIBUTES"',
    reason: "the words of the checks above it",
  },
  {
    file: "tpm/src/pcr.ts",
    excerpt: 'throw new TpmError("PCR_SELECTION", `${selection.length} banks selected`)',
    reason: "writes, and what it writes is ours",
  },
  {
    file: "tpm/src/pcr.ts",
    excerpt: 'throw new TpmError("PCR_SELECTION", `there is no PCR ${index}`)',
    reason: "writes, and what it writes is ours",
  },
  {
    file: "tpm/src/bytes.ts",
    excerpt: 'throw new TpmError("BYTES_RANGE", `${value} does not fit in ${width} bytes`)',
    reason: "writes, and what it writes is ours",
  },
  {
    file: "ns-ima/src/policy/runtime-policy.ts",
    excerpt: 'throw new NsImaError("POLICY_MALFORMED", "a policy is a JSON object")',
    reason: "a file of the operator's: nothing goes on without it",
  },
  {
    file: "ns-ima/src/policy/runtime-policy.ts",
    excerpt: 'throw new NsImaError("POLICY_MALFORMED", `a policy is JSON',
    reason: "a file of the operator's: nothing goes on without it",
  },
  {
    file: "ns-ima/src/policy/runtime-policy.ts",
    excerpt: "throw new NsImaError(code, first + more",
    reason: "the words of the checks above it",
  },
  {
    file: "protocol/src/cbor.ts",
    excerpt: 'throw new ProtocolError("CBOR_MALFORMED"',
    reason: "the code for bytes that end early, which bytes-short finds",
  },
  {
    file: "protocol/src/cbor.ts",
    excerpt: "throw unwritable(`number",
    reason: "writes, and what it writes is ours",
  },
  {
    file: "protocol/src/cbor.ts",
    excerpt: 'throw unwritable("lone surrogate")',
    reason: "writes, and what it writes is ours",
  },
  {
    file: "protocol/src/scalar-codec.ts",
    excerpt:
      'if (typeof wire !== "string" || wire.length > max) throw invalid(at, "is not a PEM text")',
    reason: "in answers of the registrar to a node, who trusts it",
  },
  {
    file: "protocol/src/scalar-codec.ts",
    excerpt: 'if (!/^-----BEGIN [\\n\\r -~]*$/.test(wire)) throw invalid(at, "is not a PEM text")',
    reason: "in answers of the registrar to a node, who trusts it",
  },
  {
    file: "protocol/src/scalar-codec.ts",
    excerpt: 'throw invalid(at, "is not a time such as',
    reason: "in answers of services, which their clients trust",
  },
  {
    file: "protocol/src/scalar-codec.ts",
    excerpt: 'if (typeof wire !== "string") throw invalid(at, "is not text");\n      // Node',
    reason: "a value that is no text is no base64 either: field-base64",
  },
  {
    file: "protocol/src/codec.ts",
    excerpt: 'throw invalid(at, "is not an object");\n      }\n      return Object',
    reason: "in bundles, which the operator names on the command line",
  },
  {
    file: "protocol/src/ima-codec.ts",
    excerpt: 'throw invalid("path", "has characters that are no bytes")',
    reason: "writes, and what it writes is ours",
  },
  {
    file: "protocol/src/event-codec.ts",
    excerpt: 'throw new ProtocolError("MESSAGE_TOO_LARGE", `an event of',
    reason: "writes, and what it writes is ours",
  },
  {
    file: "verifier/src/replay/replay-evidence.ts",
    excerpt: 'throw new VerifierError("ANCHOR_FOREIGN_EXTEND"',
    reason: "another name for what log-replay found",
  },
  {
    file: "verifier/src/policy/policy-folder.ts",
    excerpt: null,
    reason: "a folder of the operator's that cannot be read: nothing goes on without it",
  },
  {
    file: "verifier/src/server.ts",
    excerpt: 'throw new VerifierError("ACCESS_DENIED"',
    reason: "the words of peer-role and peer-node",
  },
  {
    file: "verifier/src/server.ts",
    excerpt: 'throw new VerifierError("NOT_FOUND"',
    reason: "there is nothing to get at",
  },
  {
    file: "registrar/src/enrol/attestation-key.ts",
    excerpt: 'throw new RegistrarError("AK_REFUSED"',
    reason: "the code of the checks of a key",
  },
  {
    file: "registrar/src/enrol/certificate-key.ts",
    excerpt: 'throw new RegistrarError("EK_CERT_MALFORMED"',
    reason: "of a certificate that a vendor has signed; the key is compared afterwards",
  },
  {
    file: "registrar/src/enrol/certificate-key.ts",
    excerpt: 'throw new TpmError("CERTIFICATE_ENCODING", "an algorithm',
    reason: "of a certificate that a vendor has signed; the key is compared afterwards",
  },
  {
    file: "registrar/src/enrol/certificate-key.ts",
    excerpt: 'throw new TpmError("CERTIFICATE_ENCODING", "a key of',
    reason: "of a certificate that a vendor has signed; the key is compared afterwards",
  },
  {
    file: "registrar/src/enrol/admission.ts",
    excerpt: "throw byCertificate ?? notRegistered(applicant.ekHash);",
    reason: "the end, where no way in was open",
  },
  {
    file: "registrar/src/enrol/certificate-parts.ts",
    excerpt: 'throw new TpmError("CERTIFICATE_ENCODING", `no DER',
    reason: "of a certificate that OpenSSL has read and that a vendor has signed",
  },
  {
    file: "registrar/src/enrol/certificate-rules.ts",
    excerpt: 'throw new RegistrarError("EK_CERT_MALFORMED"',
    reason: "of a certificate that OpenSSL has read and that a vendor has signed",
  },
  {
    file: "registrar/src/enrol/ek-certificate.ts",
    excerpt: 'throw new RegistrarError("EK_CERT_MALFORMED"',
    reason: "there is no certificate that could be believed",
  },
  {
    file: "registrar/src/enrol/ek-chain.ts",
    excerpt: "throw new RegistrarError(fault.code, fault.message)",
    reason: "the words of the checks below it",
  },
  {
    file: "registrar/src/enrol/ek-template.ts",
    excerpt: 'throw new RegistrarError("EK_TEMPLATE", "the EK\'s public area',
    reason: "the code of the checks of a public area",
  },
  {
    file: "registrar/src/enrol/ek-trust.ts",
    excerpt: 'throw new RegistrarError("EK_TRUST_UNREADABLE", `${path} holds no',
    reason: "a folder of the operator's: nothing goes on without it",
  },
  {
    file: "registrar/src/enrol/ek-trust.ts",
    excerpt: 'throw new RegistrarError("EK_TRUST_UNREADABLE", `${folder}',
    reason: "a folder of the operator's: nothing goes on without it",
  },
  {
    file: "registrar/src/enrol/ek-trust.ts",
    excerpt: 'throw new RegistrarError("EK_TRUST_UNREADABLE", `${path} cannot',
    reason: "a folder of the operator's: nothing goes on without it",
  },
  {
    file: "ns-ima/src/list/encode-entry.ts",
    excerpt: 'throw new NsImaError("LIST_TEMPLATE_UNSUPPORTED"',
    reason: "writes, and what it writes is ours",
  },
  {
    file: "ns-ima/src/list/record-reader.ts",
    excerpt: 'throw new NsImaError(\n      "LIST_TEMPLATE_UNSUPPORTED"',
    reason: "what is left to say when no pinned template has the name: list-template",
  },
  {
    file: "ns-ima/src/list/replay.ts",
    excerpt: "throw mismatch(state, bytes)",
    reason: "what is left to say when list-replay has found nothing",
  },
  {
    file: "ns-ima/src/list/template-data.ts",
    excerpt: 'throw new NsImaError(\n      "LIST_TEMPLATE_FIELDS"',
    reason: "the code of the checks of each field",
  },
  {
    file: "verifier/src/verifier.ts",
    excerpt: 'throw new VerifierError("NAMESPACE_UNKNOWN"',
    reason: "there is nothing to tell",
  },
  {
    file: "ns-ima/src/signature/der.ts",
    excerpt: null,
    reason: "keys of the operator: nothing goes on without them",
  },
  {
    file: "ns-ima/src/signature/keyring-document.ts",
    excerpt: null,
    reason: "keys of the operator: nothing goes on without them",
  },
  {
    file: "verifier/src/policy/policy-parts.ts",
    excerpt: "throw new Error(`${name} is named, but missing`)",
    reason: "a folder of the operator's: policy-set says so",
  },
  {
    file: "verifier/src/policy/policy-versions.ts",
    excerpt: "throw new Error(`no policies of version",
    reason: "the verifier's own database: a history that does not replay is given up",
  },
  {
    file: "ns-ima/src/list/list-pins.ts",
    excerpt: null,
    reason: "a file of the operator's: nothing goes on without it",
  },
];
