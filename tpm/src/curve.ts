// SPDX-License-Identifier: Apache-2.0

/** The elliptic curves of keys that are read here. */
export type CurveName = "p256" | "p384";

export interface Curve {
  /** TPM_ECC_CURVE (TPM 2.0 part 2, 6.4). */
  readonly id: number;
  /** Bytes of a coordinate, and of each number of a signature. */
  readonly size: number;
  /** Name in a JWK (RFC 7518, 6.2.1.1). */
  readonly jwk: string;
  /** Name in `node:crypto`. */
  readonly node: string;
}

/** All that is known about curves. */
export const CURVES: Readonly<Record<CurveName, Curve>> = {
  p256: { id: 0x0003, size: 32, jwk: "P-256", node: "prime256v1" },
  p384: { id: 0x0004, size: 48, jwk: "P-384", node: "secp384r1" },
};

/** Bytes of the largest coordinate. */
export const COORDINATE_MAX = 48;

const NAMES: readonly CurveName[] = ["p256", "p384"];

/** The curve with this TPM_ECC_CURVE, or null. */
export function curveById(id: number): CurveName | null {
  return NAMES.find((name) => CURVES[name].id === id) ?? null;
}

/** `coordinate` with its leading zeros, `size` bytes: as JWK and MakeCredential need it. It must not be longer. */
export function fullWidth(coordinate: Uint8Array, size: number): Uint8Array {
  const padded = new Uint8Array(size);
  padded.set(coordinate, size - coordinate.length);
  return padded;
}
