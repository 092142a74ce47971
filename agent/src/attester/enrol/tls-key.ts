// SPDX-License-Identifier: Apache-2.0

import { createPrivateKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { AttesterError } from "../error.ts";
import { readIfPresent, writePrivateFile } from "./private-file.ts";

/** What the registrar certifies. */
const KEY_BITS = 2048;

const generate = promisify(generateKeyPair);

/**
 * The node's TLS key in `file`, made there when the file is not there. It stays the same over all enrolments, so a
 * certificate on disk never stands beside another's key.
 *
 * @throws AttesterError `ENROL_FILE` also when the file holds anything but a private key: it is not replaced
 */
export async function loadTlsKey(file: string): Promise<KeyObject> {
  const text = await readIfPresent(file);
  if (text === null) {
    const { privateKey } = await generate("rsa", { modulusLength: KEY_BITS });
    await writePrivateFile(file, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    return privateKey;
  }
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new AttesterError("ENROL_FILE", `${file} holds no private key`, { cause });
  }
}
