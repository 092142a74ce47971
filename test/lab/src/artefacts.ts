// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "./error.ts";

/** Where the built parts of nsattest are. */
export interface Artefacts {
  /** Folder with the node's bundles: `bpf.cjs`, `monitor.cjs`, `agent.cjs` and what they load. */
  readonly node: string;
  /** Folder with `registrar.mjs` and `verifier.mjs`. */
  readonly bin: string;
  readonly bpfObject: string;
  readonly hook: string;
}

/** The parts as set-up builds them in the project's folder. @throws LabError `LAB_FILE` when set-up has not run */
export function findArtefacts(root: string): Artefacts {
  const artefacts: Artefacts = {
    node: join(root, "dist/node"),
    bin: join(root, "dist/bin"),
    bpfObject: join(root, "ns-ima/kernel/nsattest.bpf.o"),
    hook: join(root, "dist/hook/nsattest-hook"),
  };
  for (const path of Object.values(artefacts)) {
    if (!existsSync(path))
      throw new LabError("LAB_FILE", `${path} is not built; run npm run setup`);
  }
  return artefacts;
}
