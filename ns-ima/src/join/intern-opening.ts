// SPDX-License-Identifier: Apache-2.0

import type { NsOpenEvent } from "../log/event.ts";
import { Recollection } from "./recollection.ts";

/** What a runtime claims of a namespace. */
export type Opening = Pick<NsOpenEvent, "declared" | "privileged" | "labels" | "runtime">;

const labels = new Recollection<NsOpenEvent["labels"][number]>(10_000);
const runtimes = new Recollection<string>(100);
const UNPRIVILEGED: NsOpenEvent["privileged"] = [];

/** `opening`, in which what other namespaces have as well, such as an image, is theirs. */
export function internOpening({ declared, privileged, labels: own, runtime }: Opening): Opening {
  return {
    declared,
    privileged: privileged.length === 0 ? UNPRIVILEGED : privileged,
    labels: own.map((label) => labels.of(label.join("\n"), () => label)),
    runtime: runtimes.of(runtime, () => runtime),
  };
}
