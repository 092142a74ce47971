// SPDX-License-Identifier: Apache-2.0

/** PCRs that nobody but what boots a machine extends: firmware and boot loader (0 to 9), and lists of owner keys (14). */
export const BOOT_PCRS: readonly number[] = Object.freeze([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14]);
