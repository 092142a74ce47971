// SPDX-License-Identifier: Apache-2.0

export { NsImaError, type NsImaErrorCode, type NsImaErrorOptions } from "./error.ts";
export type { EntryOwner, JoinEntry, JoinedEntry } from "./join/entry-owner.ts";
export { type JoinedEvidence, joinEvidence, type RuntimeTest } from "./join/join.ts";
export type { JoinedExecution } from "./join/join-draft.ts";
export { EMPTY_JOIN, type JoinState, type OwnerCounts } from "./join/join-state.ts";
export { joinedEntry, oldestPending, ownerCounts } from "./join/joined-entry.ts";
export {
  type JoinedNamespace,
  joinedNamespace,
  joinedNamespaces,
} from "./join/joined-namespace.ts";
export type {
  Execution,
  GapState,
  UnstableFinding,
  UnstableReason,
} from "./join/namespace-facts.ts";
export { signaturesOf } from "./join/signatures.ts";
export { LEGACY_PATH_MAX, LIST_DATA_MAX, LIST_NAME_MAX } from "./limits.ts";
export {
  bytePathFromBytes,
  bytePathFromText,
  bytePathToBytes,
  displayPath,
  imaPath,
} from "./list/byte-path.ts";
export { ContentCache } from "./list/content-cache.ts";
export { countRecords } from "./list/count-records.ts";
export { encodeEntry, type RecordFields } from "./list/encode-entry.ts";
export {
  BOOT_AGGREGATE,
  type EntryContent,
  IMA_PCR,
  isBootAggregate,
  type ListEntry,
  type TemplateField,
} from "./list/entry.ts";
export {
  DEFAULT_LIST_PINS,
  isListTemplate,
  type ListPins,
  type ListPinsInput,
  listPins,
} from "./list/list-pins.ts";
export {
  type ExtendedForm,
  isSha1Only,
  type ListPcrs,
  type ListPosition,
  listStart,
} from "./list/list-position.ts";
export {
  type MeasurementList,
  type ParseListOptions,
  parseMeasurementList,
} from "./list/measurement-list.ts";
export { recallListPcrs } from "./list/recall.ts";
export {
  initialListState,
  type ListState,
  type ReplayedList,
  replayList,
} from "./list/replay.ts";
export { anchorDigest, extendAnchor } from "./log/anchor.ts";
export {
  type BootEvent,
  type BytePath,
  EventFlag,
  type ExecEvent,
  type ExecutionKind,
  type FileDigest,
  type GapEvent,
  type GapReason,
  HOST,
  type LogBatch,
  type LogRecord,
  type MarkEvent,
  type MeasuredEvent,
  type NamespaceEvent,
  type NamespaceId,
  type NsCloseEvent,
  type NsOpenEvent,
  type ProgramIdentity,
  type ResyncEvent,
} from "./log/event.ts";
export { LayeredMap } from "./log/layered-map.ts";
export { leafHash, TAG_SIZE } from "./log/leaf.ts";
export { isContainerId, isNamespaceId } from "./log/namespace-id.ts";
export {
  EMPTY_LOG,
  type EventDecoder,
  emptyLog,
  type NamespaceLogState,
  type ReplayedLog,
  replayLog,
} from "./log/namespace-log.ts";
export { type Allowlist, compileAllowlist, type PathForm } from "./policy/allowlist.ts";
export type { DenyList } from "./policy/deny-list.ts";
export type { DigestTable } from "./policy/digest-table.ts";
export {
  type CompiledRuntimePolicy,
  compileRuntimePolicy,
  type Measured,
  type MeasuredBuffer,
  type PolicyBinding,
  type PolicyDecision,
} from "./policy/evaluate.ts";
export type { CompiledPatterns, PatternCompiler } from "./policy/excludes.ts";
export { parseRuntimePolicy, type RuntimePolicy } from "./policy/runtime-policy.ts";
export type { EcdsaVerifier } from "./signature/ecdsa-verifier.ts";
export { type ImaSignature, parseImaSignature } from "./signature/ima-signature.ts";
export { createKeyring, type Keyring, type SignatureProblem } from "./signature/keyring.ts";
export { type KeyringDocument, parseKeyring } from "./signature/keyring-document.ts";
export { SignatureChecks } from "./signature/signature-checks.ts";
export type { VerificationKey } from "./signature/verification-key.ts";
