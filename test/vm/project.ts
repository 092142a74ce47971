// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findArtefacts, Testbed, type TestbedOptions } from "@nsattest/lab";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where packages, kernels, disks and compiled programs are kept between runs. */
export const CACHE: string = join(ROOT, ".cache/lab");

/** A testbed of the parts that set-up has built. @throws LabError `LAB_FILE` when it has not */
export function startTestbed(
  options: Omit<TestbedOptions, "artefacts" | "cacheDir">,
): Promise<Testbed> {
  return Testbed.start({
    artefacts: findArtefacts(ROOT),
    cacheDir: CACHE,
    intervalSeconds: 1,
    ...options,
  });
}
