// SPDX-License-Identifier: Apache-2.0

import type { FuzzTarget } from "../engine/target.ts";
import { bundle } from "./bundle.ts";
import { cbor } from "./cbor.ts";
import { container } from "./container.ts";
import { ekCertificate } from "./ek-certificate.ts";
import { event } from "./event.ts";
import { eventLog } from "./event-log.ts";
import { evidence } from "./evidence.ts";
import { excludePattern } from "./exclude-pattern.ts";
import { frame } from "./frame.ts";
import { hostList } from "./host-list.ts";
import { imaSignature } from "./ima-signature.ts";
import { jsonMessage } from "./json-message.ts";
import { kernelEvent } from "./kernel-event.ts";
import { keyring } from "./keyring.ts";
import { logFile } from "./log-file.ts";
import { monitorMessage } from "./monitor-message.ts";
import { policySet } from "./policy-set.ts";
import { runtimePolicy } from "./runtime-policy.ts";
import { tpmPublic } from "./tpm-public.ts";
import { tpmQuote } from "./tpm-quote.ts";
import { tpmResponse } from "./tpm-response.ts";

/** Every target by its name; made only when it is run. `root` is the repository's folder, for the vectors in it. */
export const TARGETS: ReadonlyMap<string, (root: string) => FuzzTarget> = new Map([
  ["bundle", bundle],
  ["cbor", cbor],
  ["container", container],
  ["ek-certificate", ekCertificate],
  ["event", event],
  ["event-log", eventLog],
  ["evidence", evidence],
  ["exclude-pattern", excludePattern],
  ["frame", frame],
  ["host-list", hostList],
  ["ima-signature", imaSignature],
  ["json-message", jsonMessage],
  ["kernel-event", kernelEvent],
  ["keyring", keyring],
  ["log-file", logFile],
  ["monitor-message", monitorMessage],
  ["policy-set", policySet],
  ["runtime-policy", runtimePolicy],
  ["tpm-public", tpmPublic],
  ["tpm-quote", tpmQuote],
  ["tpm-response", tpmResponse],
]);
