// SPDX-License-Identifier: Apache-2.0

import {
  digest,
  EventType,
  eventTypeName,
  HASH_ALGORITHMS,
  type HashName,
  type MeasuredEvent,
} from "@nsattest/tpm";

/** Something that firmware or kernel measure. */
export interface FakeBootEvent {
  readonly pcr: number;
  readonly type: number;
  /** What stands in the log. */
  readonly text: string;
  /** What is hashed. */
  readonly content: string | Uint8Array;
}

export const COMMAND_LINE = "console=ttyS0 ima_policy=tcb";

export const FIRMWARE: FakeBootEvent = {
  pcr: 0,
  type: EventType.S_CRTM_VERSION,
  text: "1.0",
  content: "firmware",
};
export const SECURE_BOOT: FakeBootEvent = {
  pcr: 7,
  type: EventType.EFI_VARIABLE_DRIVER_CONFIG,
  text: "SecureBoot",
  content: "on",
};
export const KERNEL: FakeBootEvent = {
  pcr: 4,
  type: EventType.EFI_BOOT_SERVICES_APPLICATION,
  text: "kernel",
  content: "kernel",
};
export const INITRD: FakeBootEvent = {
  pcr: 9,
  type: EventType.EVENT_TAG,
  text: "Linux initrd",
  content: "initrd",
};

/** The event of a command line. */
export function commandLineEvent(line: string): FakeBootEvent {
  const content = Buffer.from(`${line}\0`, "utf16le");
  return { pcr: 9, type: EventType.EVENT_TAG, text: "LOADED_IMAGE::LoadOptions", content };
}

/** What a fake node boots unless a test says otherwise. */
export const GOOD_BOOT: readonly FakeBootEvent[] = [
  FIRMWARE,
  SECURE_BOOT,
  KERNEL,
  commandLineEvent(COMMAND_LINE),
  INITRD,
];

const BANKS = Object.keys(HASH_ALGORITHMS) as HashName[];

/** An event as a log has it. */
export function measuredEvent({ pcr, type, text, content }: FakeBootEvent): MeasuredEvent {
  const measured = Buffer.from(content);
  const digests = new Map(BANKS.map((bank) => [bank, digest(bank, measured)]));
  return { pcr, type, digests, data: new Uint8Array(Buffer.from(`${text}\0`)) };
}

/** An event as `boot-policy.json` has it. */
export function referenceEvent({ pcr, type, text, content }: FakeBootEvent): object {
  const value = Buffer.from(digest("sha256", Buffer.from(content))).toString("hex");
  return { pcr, type: eventTypeName(type), what: text, digests: [`sha256:${value}`] };
}

/** A reference of {@link GOOD_BOOT}, or of what else is given, for all nodes. */
export function bootPolicy(change: object = {}): object {
  const events = [FIRMWARE, SECURE_BOOT, KERNEL, INITRD].map(referenceEvent);
  const line = { pcr: 9, type: "EV_EVENT_TAG", commandLines: [COMMAND_LINE] };
  return { references: [{ name: "fakes", events: [...events, line], ...change }] };
}
