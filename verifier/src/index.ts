// SPDX-License-Identifier: Apache-2.0

export { ChallengeBook, type ChallengeBookOptions } from "./challenge/challenge-book.ts";
export { type CommandLineSurroundings, EXIT, runCommandLine } from "./command-line.ts";
export { parseConfig, type VerifierConfig } from "./config.ts";
export { VerifierError, type VerifierErrorCode } from "./error.ts";
export { jsonLog, type Log, type LogEvent, type LogFields } from "./log.ts";
export type { CheckedRound } from "./offline/check-history.ts";
export { bundleHistory, databaseHistory, type StoredHistory } from "./offline/stored-history.ts";
export {
  akDigest,
  type HistoryLimitCode,
  type HistoryPins,
  type HistoryReport,
  verifyHistory,
} from "./offline/verify-history.ts";
export { tlsPeer } from "./peer.ts";
export { readPolicyFolder } from "./policy/policy-folder.ts";
export { type PolicySet, parsePolicySet } from "./policy/policy-set.ts";
export type { RegisteredNode, Registrar } from "./registrar-client.ts";
export { runVerifier, type VerifierSurroundings } from "./run.ts";
export { buildServer, type ServerDependencies } from "./server.ts";
export { Store } from "./store/store.ts";
export type { LimitCode, ReasonCode } from "./verdict/reason.ts";
export { type Receipt, Verifier, type VerifierDeps } from "./verifier.ts";
