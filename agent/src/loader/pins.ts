// SPDX-License-Identifier: Apache-2.0

/** Where the loader pins by default; `/sys/fs/bpf` is bpffs. */
export const DEFAULT_PIN_FOLDER = "/sys/fs/bpf/nsattest";

/** Keys of the `stats` map (ns-ima/kernel/ring.h). */
export const STATS: Readonly<Record<"lost" | "sent" | "hostEntries" | "marks", Uint8Array>> = {
  lost: Uint8Array.of(0, 0, 0, 0),
  sent: Uint8Array.of(1, 0, 0, 0),
  hostEntries: Uint8Array.of(2, 0, 0, 0),
  marks: Uint8Array.of(4, 0, 0, 0),
};
