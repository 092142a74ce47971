// SPDX-License-Identifier: Apache-2.0

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the project: set-up bundles this file to dist/bench/main.mjs. */
export const ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where packages, kernels, disks and compiled programs are kept between runs. */
export const CACHE: string = join(ROOT, ".cache/lab");
