// SPDX-License-Identifier: Apache-2.0

import { type FileHandle, open } from "node:fs/promises";
import { MAX_MESSAGE_SIZE, TpmError } from "@nsattest/tpm";
import type { TpmTransport } from "./transport.ts";

/** The kernel's resource manager: handles are private to the open file and freed when it is closed. */
export const TPM_DEVICE = "/dev/tpmrm0";

/**
 * Opens the kernel's TPM device.
 *
 * @throws TpmError `DEVICE_IO` when it cannot be opened
 */
export async function openDeviceFile(path: string = TPM_DEVICE): Promise<TpmTransport> {
  try {
    return new DeviceFile(path, await open(path, "r+"));
  } catch (cause) {
    throw new TpmError("DEVICE_IO", `cannot open ${path}`, { cause });
  }
}

class DeviceFile implements TpmTransport {
  readonly #path: string;
  readonly #file: FileHandle;

  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  async transceive(command: Uint8Array): Promise<Uint8Array> {
    try {
      // The driver takes a command in one write only, and that write returns when the TPM has answered.
      const { bytesWritten } = await this.#file.write(command, 0, command.length, null);
      if (bytesWritten !== command.length) throw new Error(`short write of ${bytesWritten} bytes`);
      const answer = new Uint8Array(MAX_MESSAGE_SIZE);
      const { bytesRead } = await this.#file.read(answer, 0, answer.length, null);
      return answer.subarray(0, bytesRead);
    } catch (cause) {
      throw new TpmError("DEVICE_IO", `${this.#path} failed`, { cause });
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
