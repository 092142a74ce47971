// SPDX-License-Identifier: Apache-2.0

import { closeSync, openSync, readSync } from "node:fs";
import { EVENT_LOG_MAX } from "@nsattest/tpm";
import { AgentError } from "../../error.ts";

export const BOOT_LOG = "/sys/kernel/security/tpm0/binary_bios_measurements";

const READ_BYTES = 64 * 1024;

/**
 * The log that firmware and boot loader wrote of what they booted; null where the kernel has none, as in many virtual
 * machines. It does not change while a kernel runs. Says nothing about what is in it.
 *
 * @throws AgentError `BOOT_LOG` when it cannot be read, or is larger than any verifier takes
 */
export function readBootLog(path: string): Uint8Array | null {
  try {
    const source = openSync(path, "r");
    try {
      // Its size is not known before it is read: files of the kernel say 0.
      const bytes = new Uint8Array(EVENT_LOG_MAX + 1);
      let length = 0;
      while (length < bytes.length) {
        const got = readSync(
          source,
          bytes,
          length,
          Math.min(READ_BYTES, bytes.length - length),
          null,
        );
        if (got === 0) return bytes.slice(0, length);
        length += got;
      }
    } finally {
      closeSync(source);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new AgentError("BOOT_LOG", `cannot read ${path}`, { cause });
  }
  throw new AgentError("BOOT_LOG", `${path} has more than ${EVENT_LOG_MAX} bytes`);
}
