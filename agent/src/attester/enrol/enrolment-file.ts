// SPDX-License-Identifier: Apache-2.0

import { readIfPresent, writePrivateFile } from "./private-file.ts";

/** What is kept of an enrolment. */
export interface StoredEnrolment {
  /** TPMT_PUBLIC of the AK that was enrolled: the registrar knows no other. */
  readonly akPublic: Uint8Array;
  /** PEM. */
  readonly certificate: string;
}

/**
 * Reads the file of the last enrolment. Null when there is none or it is not one of ours: then the node enrols again.
 *
 * @throws AttesterError `ENROL_FILE` when there is a file that cannot be read
 */
export async function readEnrolment(path: string): Promise<StoredEnrolment | null> {
  const text = await readIfPresent(path);
  if (text === null) return null;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null;
  }
  const { akPublic, certificate } = Object(document) as Partial<Record<string, unknown>>;
  if (typeof akPublic !== "string" || typeof certificate !== "string") return null;
  return { akPublic: Buffer.from(akPublic, "base64"), certificate };
}

/** @throws AttesterError `ENROL_FILE` */
export async function writeEnrolment(path: string, enrolment: StoredEnrolment): Promise<void> {
  const akPublic = Buffer.from(enrolment.akPublic).toString("base64");
  const document = { akPublic, certificate: enrolment.certificate };
  await writePrivateFile(path, `${JSON.stringify(document, null, 2)}\n`);
}
