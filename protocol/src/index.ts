// SPDX-License-Identifier: Apache-2.0

export {
  type BundlePolicy,
  type BundleRound,
  decodeBundle,
  decodeStoredStanding,
  type EvidenceBundle,
  encodeBundle,
  type StoredStanding,
} from "./bundle.ts";
export {
  type Challenge,
  type ChallengeRequest,
  decodeChallenge,
  decodeChallengeRequest,
  encodeChallenge,
  encodeChallengeRequest,
  NONCE_SIZE,
} from "./challenge.ts";
export type { JsonValue } from "./codec.ts";
export { type ContainerState, parseContainerState } from "./container-state.ts";
export { ProtocolError, type ProtocolErrorCode } from "./error.ts";
export { decodeErrorAnswer, type ErrorAnswer, encodeErrorAnswer } from "./error-answer.ts";
export { decodeEvent, encodeEvent } from "./event-codec.ts";
export {
  decodeEvidence,
  decodeEvidenceAnswer,
  type Evidence,
  type EvidenceAnswer,
  encodeEvidence,
  encodeEvidenceAnswer,
} from "./evidence.ts";
export {
  type Advice,
  decodeExplanation,
  type ExplainedLimit,
  type Explanation,
  encodeExplanation,
  type Finding,
  NAMED_MAX,
  type NearMatch,
} from "./explanation.ts";
export { encodeFrame, FrameSplitter } from "./frame.ts";
export {
  decodeHookAnswer,
  decodeHookRequest,
  encodeHookAnswer,
  encodeHookRequest,
  type HookAnswer,
  type HookRequest,
  type HookVerb,
} from "./hook-message.ts";
export { parseJson } from "./json.ts";
export {
  BUNDLE_MAX,
  BUNDLE_ROUNDS_MAX,
  EVENT_MAX,
  EVIDENCE_MAX,
  HOOK_ANSWER_MAX,
  HOOK_REQUEST_MAX,
  HOOK_STATE_MAX,
  JSON_MAX,
  MONITOR_ANSWER_MAX,
  MONITOR_REQUEST_MAX,
} from "./limits.ts";
export {
  decodeMonitorAnswer,
  decodeMonitorRequest,
  encodeMonitorAnswer,
  encodeMonitorRefusal,
  encodeMonitorRequest,
  type MonitorAnswer,
  type MonitorAnswers,
  type MonitorOp,
  type MonitorRefusal,
  type MonitorRequest,
} from "./monitor-message.ts";
export { isNodeId } from "./node-id.ts";
export {
  decodeNodeList,
  decodeNodeReport,
  encodeNodeList,
  encodeNodeReport,
  type NodeSummary,
} from "./node-report.ts";
export { type PeerRole, parsePeerRole, peerRoleUri } from "./peer-role.ts";
export {
  type AdmittedBy,
  decodeEnrolChallenge,
  decodeEnrolFinish,
  decodeEnrolResult,
  decodeEnrolStart,
  decodeRegistration,
  type EnrolChallenge,
  type EnrolFinish,
  type EnrolResult,
  type EnrolStart,
  encodeEnrolChallenge,
  encodeEnrolFinish,
  encodeEnrolResult,
  encodeEnrolStart,
  encodeRegistration,
  enrolmentProof,
  type Registration,
} from "./registration.ts";
export {
  currentVerdict,
  type NamespaceEntry,
  type NamespaceReport,
  type NodeCondition,
  type NodeReport,
  type Reason,
  type Tier,
  type Verdict,
} from "./verdict.ts";
export { PROTOCOL_VERSION } from "./version.ts";
