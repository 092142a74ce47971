// SPDX-License-Identifier: Apache-2.0

import {
  encodeEventLog,
  eventText,
  eventTypeName,
  parseEventLog,
  replayEventLog,
} from "@nsattest/tpm";
import { type FuzzTarget, promise } from "../engine/target.ts";
import { withWords } from "../mutate/bytes.ts";
import { sizedMutator } from "../mutate/sized.ts";
import { promiseViewsWithin } from "./owned-memory.ts";
import { hex, readJson, utf8 } from "./vectors.ts";

const WORDS = ["03000000", "04000000", "0400", "0b00", "0c00", "1200", "09000080", "ffffffff"].map(
  hex,
);
const PRINTABLE = /^[ -~]*$/;

/** Event logs that firmware and kernels wrote. */
export function eventLog(root: string): FuzzTarget {
  const logs = ["ovmf-6.1", "ovmf-6.12"].map((name) => {
    const document = readJson(root, `tpm/test/vectors/event-log/${name}.json`);
    return new Uint8Array(Buffer.from((document as { eventLog: string }).eventLog, "base64"));
  });
  return {
    name: "event-log",
    seeds: logs,
    mutators: [
      sizedMutator({ width: 4, little: true }),
      withWords([...WORDS, utf8("StartupLocality\0\u0003"), utf8("Spec ID Event03\0")]),
    ],
    inputMax: 16_384,
    errors: ["TpmError"],
    run(input) {
      const log = parseEventLog(input);
      promiseViewsWithin(log, input);
      for (const { data } of log.events) {
        promise(PRINTABLE.test(eventText(data)), "text of an event that cannot be printed");
      }
      for (const bank of log.banks) {
        const again = parseEventLog(encodeEventLog({ ...log, banks: log.banks }));
        const [first, second] = [log, { ...again, startupLocality: log.startupLocality }].map(
          (each) => Buffer.concat(replayEventLog(each, bank)),
        );
        promise(first?.equals(second ?? Buffer.alloc(0)) === true, "a log replays in two ways");
      }
      const types = new Set(log.events.map(({ type }) => eventTypeName(type)));
      return `${log.banks.join(" ")} ${log.startupLocality} ${[...types].sort().join(" ")}`;
    },
  };
}
