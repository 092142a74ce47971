// SPDX-License-Identifier: Apache-2.0

import type { DenyList } from "@nsattest/ns-ima";
import type { JsonSection } from "../strict-json.ts";
import { KEYRING_FORM } from "./file-form.ts";

/** What becomes of a host or namespace that a violation belongs to: it fails, it is warned of, or it is only counted. */
export type ViolationRule = "fail" | "warn" | "count";

/** What is denied and revoked: for everybody, or for one host's or image's policy. */
export interface Refusals {
  readonly denied: DenyList;
  /** Fingerprints and ids of keys, in hex. */
  readonly revoked: readonly string[];
}

/** What the policy of a host and that of an image can say alike. */
export interface PolicyRules extends Refusals {
  readonly violations: ViolationRule;
  /** Names of the files with the keys whose signatures count. */
  readonly keyring: readonly string[];
}

const FILE_DIGEST_FORM =
  /^(?:verity:)?(?:sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;
const KEY_FORM = /^(?:sha256:[0-9a-f]{64}|id:(?:[0-9a-f]{8}){1,2})$/;

/** Reads `violations`, `keyring`, `deny` and `revokedKeys`; each may be missing. */
export function readPolicyRules(section: JsonSection): PolicyRules {
  return {
    violations: section.choice("violations", ["fail", "warn", "count"], "fail"),
    keyring: section.optionalTexts(
      "keyring",
      KEYRING_FORM,
      "the name of a .pem, .der or .json file beside this one",
    ),
    ...readRefusals(section),
  };
}

/** Reads `deny` and `revokedKeys`; each may be missing. */
export function readRefusals(section: JsonSection): Refusals {
  const denied = section.optionalSections("deny").map((item): readonly [string, string] => {
    const digest = item.text("digest", FILE_DIGEST_FORM, "<algorithm>:<hex>");
    const reason = item.text("reason");
    item.refuseUnread();
    return [digest, reason];
  });
  const revoked = section.optionalTexts(
    "revokedKeys",
    KEY_FORM,
    "sha256:<hex of the public key's> or id:<hex of 4 or 8 bytes>",
  );
  return { denied: new Map(denied), revoked: revoked.map((key) => key.replace(/^.*:/, "")) };
}

/** The refusals of both. */
export function joinRefusals(one: Refusals, other: Refusals): Refusals {
  return {
    denied: new Map([...one.denied, ...other.denied]),
    revoked: [...one.revoked, ...other.revoked],
  };
}
