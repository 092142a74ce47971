// SPDX-License-Identifier: Apache-2.0

/**
 * A way to a TPM that takes one command at a time: the caller waits for an answer before it sends the next.
 *
 * Answers are at most 4096 bytes and otherwise unchecked. After a failed `transceive` the transport may be closed.
 */
export interface TpmTransport {
  /** @throws TpmError `DEVICE_IO`, `DEVICE_CLOSED`, `RESPONSE_MALFORMED` */
  transceive(command: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}
