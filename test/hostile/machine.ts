// SPDX-License-Identifier: Apache-2.0
import { createHash, X509Certificate } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  compileProgram,
  fetchKernel,
  type KernelSeries,
  type RuntimePolicyDocument,
  readModules,
  SHARED_VOLUME,
  type Testbed,
} from "@nsattest/lab";
import { CACHE, startTestbed } from "../vm/project.ts";

const SOURCES = join(import.meta.dirname, "tricks");
const SCRIPT = join(import.meta.dirname, "tricks/greet.sh");

/** Copies of the program that the image's policy lists: what is held against a container is the trick, not the file. */
const LISTED = [
  ...["/bin/tricks", "/bin/direct", "/bin/second", "/bin/first", "/bin/protected"],
  ...["/mnt/layered", "/vol/held", "/vol/mapped", "/vol/violated", "/vol/library"],
  ...["/bin/new-file", "/mnt/served"],
];

/** A dynamic program of this machine and what it needs, which are in the image. */
const DYNAMIC = new Map([
  ["/bin/dynamic", "/bin/true"],
  ["/lib64/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"],
  ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"],
]);

/** What privileged containers bring along, by the path at which the host's policy lists it. */
const UNKNOWN_FORMAT = Buffer.from([255, 255, 255, 255]);
const MODULE = "dummy";

/** Starts a node whose containers' image has the tricks, and whose volume has what they need. */
export async function startMachine(
  kernel: KernelSeries,
  append: readonly string[],
): Promise<Testbed> {
  const names = (await readdir(SOURCES)).filter((name) => /\.[ch]$/.test(name)).sort();
  // The program has the name of its first source.
  const sources = ["main.c", ...names.filter((name) => name !== "main.c")];
  const program = await compileProgram(
    sources.map((name) => join(SOURCES, name)),
    CACHE,
  );
  const modules = await readModules(await fetchKernel(kernel, CACHE), [MODULE]);
  const module = modules.find(({ name }) => name === MODULE)?.bytes ?? Buffer.alloc(0);
  const bed = await startTestbed({
    kernel,
    append,
    // What is tested is what a verdict says, not how long a busy machine takes for the next.
    validSeconds: 60,
    programs: ["later", "other"],
    imageFiles: new Map([
      ...LISTED.map((path) => [path, program] as const),
      ...DYNAMIC,
      ["/bin/greet", SCRIPT],
    ]),
    policies: (usual) => {
      const image = [...usual.images.values()][0];
      const brought = { "/vol/module.ko": sha256(module), "/bin/unknown": sha256(UNKNOWN_FORMAT) };
      return { ...usual, host: withFiles(usual.host, image?.digests ?? {}, brought) };
    },
  });
  const certificate = new X509Certificate(bed.vm.ekRoots[0] ?? "").raw;
  await bed.vm.check(`mkdir -p ${SHARED_VOLUME} /sys/fs/cgroup/service`);
  await bed.vm.write(`${SHARED_VOLUME}/certificate.der`, certificate);
  await bed.vm.write(`${SHARED_VOLUME}/module.ko`, module);
  return bed;
}

/** The host's policy with the files that privileged containers run: what they do is the host's, too. */
function withFiles(
  host: RuntimePolicyDocument,
  image: RuntimePolicyDocument["digests"],
  brought: Readonly<Record<string, string>>,
): RuntimePolicyDocument {
  const digests: Record<string, string[]> = {};
  const add = (path: string, more: readonly string[]): void => {
    digests[path] = [...new Set([...(digests[path] ?? []), ...more])];
  };
  for (const listed of [host.digests, image])
    for (const [path, more] of Object.entries(listed)) add(path, more);
  for (const [path, digest] of Object.entries(brought)) add(path, [digest]);
  return { ...host, digests };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
