// SPDX-License-Identifier: Apache-2.0

/**
 * What can go wrong on a node. Callers branch on the code, never on the text.
 *
 * - `CONFIG`: arguments or configuration that cannot be used
 * - `SYSCALL`, `BPF_*`: the kernel refused, or its programs are not what we loaded
 * - `KERNEL_EVENT`, `HOST_LIST`: bytes of the kernel that cannot be read
 * - `BOOT_LOG`: the log of what was booted cannot be read, or is too large to be passed on
 * - `LIST_SHRANK`: the verifier has had more of the host list than there is
 * - `LOG_*`: the namespace log cannot be written, is held by another process, or does not fit the TPM
 * - `CONTAINER_*`: a container that cannot be followed
 */
export type AgentErrorCode =
  | "CONFIG"
  | "SYSCALL"
  | "BPF_LOAD"
  | "BPF_PINS"
  | "KERNEL_EVENT"
  | "HOST_LIST"
  | "BOOT_LOG"
  | "LIST_SHRANK"
  | "LOG_HELD"
  | "LOG_IO"
  | "LOG_CORRUPT"
  | "LOG_FOREIGN_EXTEND"
  | "LOG_OTHER_BOOT"
  | "CONTAINER_PROCESS"
  | "CONTAINER_CGROUP"
  | "CONTAINER_UNKNOWN";

/** The only error the loader and the monitor throw for what comes from outside. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.code = code;
  }
}
