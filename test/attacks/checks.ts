// SPDX-License-Identifier: Apache-2.0

import { BOOT_CHECKS } from "./checks/boot-checks.ts";
import { BUNDLE_CHECKS } from "./checks/bundle-checks.ts";
import type { Check } from "./checks/check.ts";
import { ENROLMENT_CHECKS } from "./checks/enrolment-checks.ts";
import { JOIN_CHECKS } from "./checks/join-checks.ts";
import { KEY_CHECKS } from "./checks/key-checks.ts";
import { LIST_CHECKS } from "./checks/list-checks.ts";
import { LOG_CHECKS } from "./checks/log-checks.ts";
import { POLICY_CHECKS } from "./checks/policy-checks.ts";
import { PROTOCOL_CHECKS } from "./checks/protocol-checks.ts";
import { QUOTE_CHECKS } from "./checks/quote-checks.ts";
import { SIGNATURE_CHECKS } from "./checks/signature-checks.ts";
import { VERDICT_CHECKS } from "./checks/verdict-checks.ts";
import { VERIFIER_CHECKS } from "./checks/verifier-checks.ts";

const ALL = {
  ...VERIFIER_CHECKS,
  ...PROTOCOL_CHECKS,
  ...QUOTE_CHECKS,
  ...KEY_CHECKS,
  ...BOOT_CHECKS,
  ...LIST_CHECKS,
  ...LOG_CHECKS,
  ...JOIN_CHECKS,
  ...POLICY_CHECKS,
  ...SIGNATURE_CHECKS,
  ...VERDICT_CHECKS,
  ...BUNDLE_CHECKS,
  ...ENROLMENT_CHECKS,
} as const;

/** The name of a check, as reports and `test:mutants --check` use it. */
export type CheckId = keyof typeof ALL;

/**
 * Every check in the path from a request to a verdict, in the order in which evidence meets them. `checks.test.ts` keeps
 * it complete, `npm run test:attacks` tries to get past each, `npm run test:mutants` removes each and looks who notices.
 */
export const CHECKS: Readonly<Record<CheckId, Check>> = ALL;
