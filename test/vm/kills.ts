// SPDX-License-Identifier: Apache-2.0
import { Container, type KernelSeries, type Testbed } from "@nsattest/lab";
import type { NodeReport } from "@nsattest/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NodeView, namespaceOf } from "./node-view.ts";
import { startTestbed } from "./project.ts";

/** After a kill the node has to be affirming again within this time. */
const RECOVERY_MS = 30_000;
const KILLS = 3;
const STEPS = 12;

/** Programs that nothing has run before, by the service that is killed while they run. */
const PROGRAMS = Object.fromEntries(
  ["monitor", "agent", "verifier"].map((victim) => [
    victim,
    Array.from({ length: KILLS * STEPS }, (_, index) => `${victim}${index}`),
  ]),
);

/** Nothing is lost, doubled or answered wrongly while monitor, agent and verifier are killed under a working container. */
export function testKills(kernel: KernelSeries): void {
  let bed: Testbed;
  let view: NodeView;
  let worker: Container;

  beforeAll(async () => {
    bed = await startTestbed({ kernel, programs: Object.values(PROGRAMS).flat() });
    view = await NodeView.of(bed);
    worker = await start("worker");
    const bad = await start("bad");
    await bad.exec([
      "/bin/sh",
      "-c",
      "cp /bin/agent0 /bin/dropped && echo >> /bin/dropped && /bin/dropped",
    ]);
    await view.until(
      "bad was not found out",
      (report) => namespaceOf(report, "bad").verdict.tier === "contraindicated",
    );
  });

  afterAll(() => bed?.stop());

  async function start(id: string): Promise<Container> {
    const { vm, image } = bed;
    const container = await Container.prepare(vm, { id, image, args: ["/bin/sleep", "100000"] });
    await container.create();
    await container.start();
    return container;
  }

  /** How often each of a victim's programs is in the worker's list. */
  function listed(report: NodeReport, victim: string): number[] {
    const { entries } = namespaceOf(report, "worker");
    return (PROGRAMS[victim] ?? []).map(
      (name) => entries.filter(({ path }) => path === `/bin/${name}`).length,
    );
  }

  /**
   * Kills a service again and again while the worker runs one new program after the other; the supervisor's part, starting it again, is
   * done here.
   */
  async function runWhileKilled(
    victim: string,
    kill: () => Promise<void>,
    restart: () => Promise<void>,
  ): Promise<void> {
    const names = PROGRAMS[victim] ?? [];
    for (let round = 0; round < KILLS; round++) {
      const steps = names.slice(round * STEPS, (round + 1) * STEPS).map((name) => `/bin/${name}`);
      const [afterKill = ""] = steps.splice(-1);
      const session = worker.spawn(["/bin/sh", "-c", `${steps.join(" && ")} && echo done`]);
      // Anywhere between the first program and the last.
      await session.waitFor(`${victim}${round * STEPS + 3 * round + 1}`);
      await kill();
      await session.waitFor("done");
      expect((await session.result).code).toBe(0);
      // At least this one while the service is certainly dead.
      expect((await worker.exec([afterKill])).code).toBe(0);
      await restart();
    }
  }

  async function recovered(victim: string): Promise<NodeReport> {
    return view.until(
      `the worker was not affirming with everything it ran while the ${victim} was killed`,
      (report) =>
        report.node.host.tier === "affirming" &&
        namespaceOf(report, "worker").verdict.tier === "affirming" &&
        listed(report, victim).every((times) => times > 0),
      RECOVERY_MS,
    );
  }

  test.each([
    ["monitor", () => bed.signal("monitor", "KILL"), () => bed.startService("monitor")],
    ["agent", () => bed.signal("agent", "KILL"), () => bed.startService("agent")],
    ["verifier", () => bed.services.kill("verifier"), () => bed.services.startProcess("verifier")],
  ] as const)(
    "nothing is lost or doubled while the %s is killed",
    async (victim, kill, restart) => {
      await runWhileKilled(victim, kill, restart);
      const report = await recovered(victim);
      expect(listed(report, victim)).toEqual((PROGRAMS[victim] ?? []).map(() => 1));
      expect(namespaceOf(report, "bad").verdict.tier).toBe("contraindicated");
    },
  );

  test("the sockets of the monitor survive whatever is sent to them", async () => {
    const pid = await bed.vm.check("cat /run/monitor.pid");
    const script = `
    const net = require("node:net");
    const inputs = [Buffer.alloc(0), Buffer.from("00000000", "hex"), Buffer.from("ffffffff", "hex"), Buffer.from("00000003017b7d", "hex"),
      Buffer.from("0000000a0100000000000000000000", "hex"), Buffer.from("00000002a0a0", "hex"), Buffer.alloc(70000, 0x41)];
    let left = 0;
    for (const path of ["/run/nsattest/hook.sock", "/run/nsattest/monitor.sock"]) for (const input of inputs) {
      left++;
      const socket = net.connect(path, () => socket.end(input));
      socket.on("error", () => {}).on("data", () => {}).on("close", () => { if (--left === 0) console.log("all sent"); });
    }`;
    expect(await bed.vm.check("exec node -", { input: script })).toContain("all sent");
    await bed.vm.check(`kill -0 ${pid}`);
    const report = await view.settled();
    expect(report.node.host.tier).toBe("affirming");
  });

  test("no answer of the verifier was ever wrong", () => {
    const tiers = (container: string): Set<string | undefined> =>
      new Set(view.sightings.map(({ containers }) => containers.get(container)));
    expect(view.sightings.map(({ host }) => host)).not.toContain("contraindicated");
    expect(tiers("worker")).not.toContain("contraindicated");
    const found = view.sightings.findIndex(
      ({ containers }) => containers.get("bad") === "contraindicated",
    );
    const later = view.sightings.slice(found).map(({ containers }) => containers.get("bad"));
    expect(later).not.toContain("affirming");
  });

  test("no container was started again", async () => {
    const report = await view.report();
    expect(report.namespaces.map(({ id }) => id).sort()).toEqual(["bad/2", "worker/1"]);
  });
}
