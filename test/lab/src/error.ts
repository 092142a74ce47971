// SPDX-License-Identifier: Apache-2.0

/**
 * Why the lab could not do something.
 *
 * - `LAB_TOOL_MISSING`: a program of the host (QEMU, swtpm, gcc, fakeroot …) is not installed
 * - `LAB_TOOL_FAILED`: such a program ended with an error; the message carries its last words
 * - `LAB_HOST_UNSUPPORTED`: the host is not a Debian whose archive is configured
 * - `LAB_PACKAGE`: a Debian package could not be found or fetched
 * - `LAB_FILE`: a file of the image is missing, or two files claim one path
 * - `LAB_BOOT`: the machine did not come up; the message ends with the console's last lines
 * - `LAB_CHANNEL`: the machine ended, or its command channel broke
 * - `LAB_COMMAND`: a command in the machine failed where success was asked for
 * - `LAB_TIMEOUT`: a command in the machine did not end in time
 */
export type LabErrorCode =
  | "LAB_TOOL_MISSING"
  | "LAB_TOOL_FAILED"
  | "LAB_HOST_UNSUPPORTED"
  | "LAB_PACKAGE"
  | "LAB_FILE"
  | "LAB_BOOT"
  | "LAB_CHANNEL"
  | "LAB_COMMAND"
  | "LAB_TIMEOUT";

/** The only error the lab throws on purpose. Branch on `code`, never on the text. */
export class LabError extends Error {
  override readonly name = "LabError";
  readonly code: LabErrorCode;

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}
