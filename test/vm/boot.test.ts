// SPDX-License-Identifier: Apache-2.0
import { testBoot } from "./boot.ts";

// `npm run test:boot` boots each swapped thing by itself, on both kernels.
const each = process.env["NSATTEST_BOOT"] === "each";
for (const kernel of each ? (["6.1", "6.12"] as const) : (["6.12"] as const))
  testBoot(kernel, each);
