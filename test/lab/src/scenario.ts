// SPDX-License-Identifier: Apache-2.0
import { Container } from "./container.ts";
import type { Testbed } from "./testbed.ts";

/** Programs of the image that nothing of the host or of another container runs before. */
export const SCENARIO_PROGRAMS: readonly string[] = ["probe", "later"];

/** The first process of a container that others are executed in. */
const STAY = ["/bin/sleep", "100000"] as const;

/**
 * Five containers of one image on one node, sharing one volume:
 *
 * - `clean`, `twin`: run listed programs only, one of them in an `exec` session and for the first time
 * - `short`: ends before the monitor, stopped meanwhile, could look
 * - `tampered`: runs a listed program with a byte more, and one it put on the shared volume
 * - `neighbour`: runs that same file of the volume, for which the kernel adds no further entry
 */
export async function runScenario(
  testbed: Testbed,
  log: (line: string) => void = () => undefined,
): Promise<void> {
  log("running containers: clean, twin, tampered, neighbour, short");
  await short(testbed);
  for (const id of ["clean", "twin"]) {
    const container = await stay(testbed, id);
    await expectSuccess(container, ["/bin/probe"]);
    await expectSuccess(container, ["/bin/later"]);
  }
  const tampered = await stay(testbed, "tampered");
  await expectSuccess(tampered, [
    "/bin/sh",
    "-c",
    "cp /bin/probe /bin/dropped && echo >> /bin/dropped && /bin/dropped",
  ]);
  await expectSuccess(tampered, [
    "/bin/sh",
    "-c",
    "cp /bin/dropped /vol/tool && echo >> /vol/tool && /vol/tool",
  ]);
  const neighbour = await stay(testbed, "neighbour");
  await expectSuccess(neighbour, ["/bin/probe"]);
  await expectSuccess(neighbour, ["/vol/tool"]);
}

async function stay({ vm, image }: Testbed, id: string): Promise<Container> {
  const container = await Container.prepare(vm, { id, image, args: STAY });
  await container.create();
  await container.start();
  return container;
}

/** The monitor is stopped from its answer to the hook until runc has returned: what the container did waits in the kernel. */
async function short(testbed: Testbed): Promise<void> {
  const { vm, image } = testbed;
  const container = await Container.prepare(vm, {
    id: "short",
    image,
    args: ["/bin/busybox", "true"],
    hook: ["--owner", "990", "--deadline", "1000", "--on-down", "allow"],
  });
  await container.create();
  await testbed.signal("monitor", "STOP");
  try {
    await container.start();
    await container.wait();
    await container.delete();
  } finally {
    await testbed.signal("monitor", "CONT");
  }
}

async function expectSuccess(container: Container, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await container.exec(args);
  if (code !== 0)
    throw new Error(`${container.id}: ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
}
