// SPDX-License-Identifier: Apache-2.0

import { type BytePath, bytePathFromText, imaPath, type ListPins } from "@nsattest/ns-ima";
import { JsonSection } from "../strict-json.ts";
import { DIGEST_FORM } from "./digest-text.ts";
import { FILE_FORM } from "./file-form.ts";
import { readMeasurementPins } from "./measurement-pins.ts";
import { type PolicyRules, readPolicyRules } from "./policy-rules.ts";

/** What is asked of a node itself. Paths as IMA writes them. */
export interface NodePolicy extends PolicyRules {
  /** The one IMA policy a node may have loaded. */
  readonly imaPolicy: { readonly path: BytePath; readonly digest: string };
  /** Digests of container runtimes: what a container's task executes of them before it is the container's is the host's. */
  readonly runtimes: ReadonlySet<string>;
  /** Our own programs, which the host must have been seen to read. */
  readonly programs: readonly BytePath[];
  /** File name of the host's runtime policy. */
  readonly runtimePolicy: string;
  /** How the host measures: what its list and its quotes have to be. */
  readonly measurement: ListPins;
}

const PATH_FORM = /^\/[^\0]+$/;

/** Reads `node-policy.json` and adds what is wrong with it to `problems`; then what is returned means nothing. */
export function readNodePolicy(text: string, problems: string[]): NodePolicy {
  const root = JsonSection.parse(text, "node-policy.json", problems);
  const imaPolicy = root.section("imaPolicy");
  const policy: NodePolicy = {
    imaPolicy: {
      path: imaPathFromText(imaPolicy.text("path", PATH_FORM, "an absolute path")),
      digest: imaPolicy.text("digest", DIGEST_FORM, "sha256:<hex>"),
    },
    runtimes: new Set(root.texts("runtimes", DIGEST_FORM, "sha256:<hex>")),
    programs: root.texts("programs", PATH_FORM, "an absolute path").map(imaPathFromText),
    runtimePolicy: root.text(
      "runtimePolicy",
      FILE_FORM,
      "the name of a .json file beside this one",
    ),
    ...readPolicyRules(root),
    measurement: readMeasurementPins(root, problems),
  };
  // A list that could not be read is a problem already.
  if (policy.programs.length === 0 && problems.length === 0) {
    problems.push("node-policy.json.programs must name one program at least");
  }
  imaPolicy.refuseUnread();
  root.refuseUnread();
  return policy;
}

function imaPathFromText(text: string): BytePath {
  return imaPath(bytePathFromText(text));
}
