// SPDX-License-Identifier: Apache-2.0

/** Owners of the captured files: each has a rule of its own, so that one boot shows every template. */
export const OWNERS = {
  ima: 2001,
  "ima-ng": 2002,
  "ima-sig": 2003,
  "ima-ngv2": 2004,
  // Also the owner that the portable signatures are made for.
  "evm-sig": 2005,
  "ima-sigv2": 2006,
  "ima-buf": 2007,
  "ima-modsig": 2008,
  /** `ima-sigv2` with the fs-verity digest. */
  verity: 2009,
  /** `ima-ng` in PCR 11. */
  "pcr-11": 2011,
  /** `ima-sig` in PCR 12. */
  "pcr-12": 2012,
  /** The default template in PCR 10. */
  default: 2013,
} as const;

export type Owner = keyof typeof OWNERS;

/** The keyring whose keys are measured. */
export const KEYRING = "vectors";

const OPTIONS: Readonly<Partial<Record<Owner, string>>> = {
  verity: " template=ima-sigv2 digest_type=verity",
  "pcr-11": " template=ima-ng pcr=11",
  "pcr-12": " template=ima-sig pcr=12",
  default: "",
};

/** The policy of the captured boots. */
export const POLICY: string = [
  "measure func=BPRM_CHECK",
  `measure func=KEY_CHECK keyrings=${KEYRING}`,
  "measure func=CRITICAL_DATA",
  ...Object.entries(OWNERS).map(
    ([owner, uid]) =>
      `measure func=FILE_CHECK mask=MAY_READ fowner=${uid}${OPTIONS[owner as Owner] ?? ` template=${owner}`}`,
  ),
  "",
].join("\n");
