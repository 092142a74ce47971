// SPDX-License-Identifier: Apache-2.0

import { hash } from "node:crypto";
import { type PolicySet, parsePolicySet } from "@nsattest/verifier";
import type { BenchFile } from "./bench-node.ts";

export const IMAGE: string = `sha256:${"ab".repeat(32)}`;
const IMA_POLICY_PATH = "/etc/ima/ima-policy";
const PROGRAM_PATH = "/usr/lib/nsattest/monitor.cjs";

/** Files as a distribution has them: paths of about 45 bytes. `version` changes every content. */
export function systemFiles(count: number, version = 0): BenchFile[] {
  return [
    named("boot_aggregate", `aggregate ${version}`),
    named(IMA_POLICY_PATH, "policy"),
    named(PROGRAM_PATH, "monitor"),
    ...Array.from({ length: count - 3 }, (_, index) =>
      named(
        `/usr/lib/x86_64-linux-gnu/package-${index % 997}/lib${index}.so.1`,
        `${version} ${index}`,
      ),
    ),
  ];
}

/** A file whose content is `content`. */
export function named(path: string, content: string): BenchFile {
  return { path, digest: new Uint8Array(Buffer.from(hash("sha256", content), "hex")) };
}

/**
 * Policies that allow the host `files` and what is signed by a key of `keyring` (PEM), and containers of {@link IMAGE}
 * `imageFiles`.
 */
export function policiesFor(
  files: Iterable<BenchFile>,
  imageFiles: Iterable<BenchFile>,
  keyring?: string,
): PolicySet {
  const documents: Record<string, unknown> = {
    "node-policy.json": {
      imaPolicy: { path: IMA_POLICY_PATH, digest: text(named(IMA_POLICY_PATH, "policy")) },
      runtimes: [text(named("/usr/sbin/runc", "runc"))],
      programs: [PROGRAM_PATH],
      runtimePolicy: "host.json",
      ...(keyring !== undefined && { keyring: "host.pem" }),
    },
    "host.json": runtimePolicy(files),
    "namespace-policies.json": { policies: [{ image: IMAGE, runtimePolicy: "image.json" }] },
    "image.json": runtimePolicy(imageFiles),
    ...(keyring !== undefined && { "host.pem": keyring }),
  };
  return parsePolicySet(
    new Map(
      Object.entries(documents).map(([name, document]) => [
        name,
        typeof document === "string" ? document : JSON.stringify(document),
      ]),
    ),
  );
}

/** A Keylime runtime policy of `files`; a path that comes twice has both digests. */
export function runtimePolicy(files: Iterable<BenchFile>): object {
  const digests = new Map<string, string[]>();
  for (const { path, digest } of files) {
    const list = digests.get(path) ?? [];
    digests.set(path, list);
    list.push(Buffer.from(digest).toString("hex"));
  }
  return { meta: { version: 1 }, digests: Object.fromEntries(digests), excludes: ["/var/tmp/.*"] };
}

function text({ digest }: BenchFile): string {
  return `sha256:${Buffer.from(digest).toString("hex")}`;
}
