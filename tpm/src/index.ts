// SPDX-License-Identifier: Apache-2.0

export {
  encodeQuoteAttest,
  parseQuoteAttest,
  type QuoteAttest,
  type TpmClock,
} from "./attest.ts";
export {
  type AttestationKey,
  type AttestationKeyArea,
  type AttestationKeyLoader,
  assertAttestationKey,
  loadAttestationKey,
  rememberAttestationKeys,
} from "./attestation-key.ts";
export { ByteReader, ByteWriter } from "./bytes.ts";
export {
  type CapabilityPage,
  getHandles,
  getPcrBanks,
  getProperties,
  readClock,
  type TpmProperty,
} from "./command/capability.ts";
export {
  type Authorization,
  Handle,
  MAX_MESSAGE_SIZE,
  responseSize,
  type TpmCommand,
} from "./command/codec.ts";
export {
  activateCredential,
  createKey,
  createPrimary,
  flushContext,
  type LoadedKey,
  loadKey,
  type NamedPublic,
  readPublic,
  type WrappedKey,
} from "./command/key.ts";
export { EK_CHAIN_INDICES, nvRead, nvReadPublic } from "./command/nv.ts";
export { type BankDigests, type PcrReadResult, pcrExtend, pcrRead } from "./command/pcr.ts";
export { quote, type RawQuote } from "./command/quote.ts";
export { ResponseCode } from "./command/response-code.ts";
export { policySecret, startPolicySession } from "./command/session.ts";
export { type CredentialInput, makeCredential, type WrappedCredential } from "./credential.ts";
export { splitCertificates, trimCertificate } from "./ek-certificate.ts";
export { EK_KINDS, type EkKind, type EkName, ekKindOf } from "./ek-kind.ts";
export { TpmError, type TpmErrorCode } from "./error.ts";
export { BOOT_PCRS } from "./event-log/boot-pcrs.ts";
export { type EventLogFields, encodeEventLog } from "./event-log/encode-event-log.ts";
export {
  EVENT_LOG_MAX,
  type EventLog,
  type MeasuredEvent,
  parseEventLog,
} from "./event-log/event-log.ts";
export { eventText } from "./event-log/event-text.ts";
export { EventType, eventTypeName } from "./event-log/event-type.ts";
export { replayEventLog } from "./event-log/replay-event-log.ts";
export {
  digest,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  type HashName,
  hashById,
  hashByName,
  isHashName,
} from "./hash-algorithm.ts";
export {
  AK_ECC_P256_TEMPLATE,
  AK_RSA_2048_TEMPLATE,
  EK_RSA_2048_TEMPLATE,
} from "./key-template.ts";
export {
  type BankSelection,
  orderPcrValues,
  type PcrSelection,
  type PcrValue,
  pcrDigest,
  samePcrSelection,
} from "./pcr.ts";
export {
  encodePublicArea,
  ObjectAttribute,
  type PublicArea,
  parsePublicArea,
  publicAreaName,
  publicKeyOf,
} from "./public-area.ts";
export { type QuoteInput, type VerifiedQuote, verifyQuote } from "./quote.ts";
export { encodeSignature, parseSignature, type Signature } from "./signature.ts";
