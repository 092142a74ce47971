// SPDX-License-Identifier: Apache-2.0

/** The users of the machine: each of our services has one of its own. */
export const GUEST_USERS = {
  root: 0,
  "nsattest-monitor": 990,
  "nsattest-agent": 991,
  "nsattest-bpf": 992,
} as const;

/** Owner of our own JavaScript in the machine: the IMA policy measures what is read from this user's files. */
export const CODE_UID = 1_900_000_001;
