// SPDX-License-Identifier: Apache-2.0

export { ByteReader, ByteWriter } from "./bytes.ts";
export { TpmError, type TpmErrorCode } from "./error.ts";
export {
  digest,
  HASH_ALGORITHMS,
  type HashAlgorithm,
  type HashName,
  hashById,
  hashByName,
  isHashName,
} from "./hash-algorithm.ts";
export type { BankSelection, PcrSelection, PcrValue } from "./pcr.ts";
