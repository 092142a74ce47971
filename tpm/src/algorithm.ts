// SPDX-License-Identifier: Apache-2.0

/** TPM_ALG_ID of what is not a hash (TPM 2.0 part 2, table 9); hashes are in hash-algorithm.ts. */
export const AlgorithmId = {
  RSA: 0x0001,
  AES: 0x0006,
  NULL: 0x0010,
  RSASSA: 0x0014,
  RSAPSS: 0x0016,
  ECDSA: 0x0018,
  ECC: 0x0023,
  CFB: 0x0043,
} as const;
