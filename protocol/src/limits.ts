// SPDX-License-Identifier: Apache-2.0

// A limit is there so that nobody who may send can make the receiver hold or compute without bound. Each is far above
// what an honest sender needs.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes of one event. The largest one is a `boot` or an `ns-open` with all its labels. */
export const EVENT_MAX: number = 64 * KIB;

/** Bytes of one evidence: a list of 100,000 entries has about 13 MB, and the first evidence of a boot carries it whole. */
export const EVIDENCE_MAX: number = 64 * MIB;

/** Records of one batch, and batches of one evidence. */
export const BATCHES_MAX = 100_000;

/** Bytes of one bundle: the first evidence of a boot, and a day and more of a node that sends something new with each round. */
export const BUNDLE_MAX: number = 256 * MIB;

/** Rounds of one bundle, and policies in it. */
export const BUNDLE_ROUNDS_MAX = 300_000;

/** Bytes of one frame on the monitor's socket, in answers: one evidence and what is around it. */
export const MONITOR_ANSWER_MAX: number = EVIDENCE_MAX + KIB;

/** Bytes of one frame on the monitor's socket, in requests. */
export const MONITOR_REQUEST_MAX: number = 16 * KIB;

/** Bytes of the state JSON that a runtime gives to a hook; Kubernetes allows 256 KiB of annotations. */
export const HOOK_STATE_MAX: number = MIB;

/** Bytes of one frame from the hook: the verb and the state. */
export const HOOK_REQUEST_MAX: number = HOOK_STATE_MAX + 1;

/** Bytes of one frame to the hook: the status and one line for a person. */
export const HOOK_ANSWER_MAX: number = 4 * KIB;

/** Bytes of one JSON message. */
export const JSON_MAX: number = MIB;

/** Nesting of one CBOR message; evidence needs 5. */
export const CBOR_DEPTH_MAX = 8;

/** Items of one CBOR message: evidence has 4 for each event. */
export const CBOR_ITEMS_MAX = 2_000_000;

/** Bytes of a path: the kernel's PATH_MAX. */
export const PATH_MAX = 4096;

/** Characters of a text that has no narrower limit of its own. */
export const TEXT_MAX = 1024;
