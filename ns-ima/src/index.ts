// SPDX-License-Identifier: Apache-2.0

export { NsImaError, type NsImaErrorCode, type NsImaErrorOptions } from "./error.ts";
export { LIST_DATA_MAX, LIST_NAME_MAX } from "./limits.ts";
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
