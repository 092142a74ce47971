// SPDX-License-Identifier: Apache-2.0

import { TpmError, type TpmErrorCode } from "../src/error.ts";

/** The code with which `act` fails, or null when it does not. Anything but a TpmError is passed on. */
export function codeOf(act: () => unknown): TpmErrorCode | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof TpmError) return error.code;
    throw error;
  }
}
