// SPDX-License-Identifier: Apache-2.0

import type { CheckId } from "../attacks/checks.ts";

/** One check of each kind, for runs that have to be short. */
export const SHORT: readonly CheckId[] = [
  "peer-node",
  "challenge-once",
  "cbor-shortest",
  "field-unknown",
  "quote-signature",
  "quote-nonce",
  "quote-selection",
  "list-replay",
  "log-replay",
  "owner-unowned",
  "verdict-policy",
  "enrol-proof",
];
