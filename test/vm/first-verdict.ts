// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KernelSeries, runScenario, SCENARIO_PROGRAMS, type Testbed } from "@nsattest/lab";
import { EMPTY_LOG, type LogRecord, parseMeasurementList, replayLog } from "@nsattest/ns-ima";
import { decodeEvent, type NodeReport } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeFrames } from "../../agent/src/monitor/log/log-frame.ts";
import { NodeView, namespaceOf } from "./node-view.ts";
import { startTestbed } from "./project.ts";

const LOG = "/run/nsattest/namespace.log";
const QUIET_TRIES = 10;

/** The five containers of the scenario, their verdicts, and what list, log and processes of that node look like. */
export function testFirstVerdict(kernel: KernelSeries): void {
  let bed: Testbed;
  let report: NodeReport;

  beforeAll(async () => {
    bed = await startTestbed({ kernel, programs: SCENARIO_PROGRAMS });
    const view = await NodeView.of(bed);
    await runScenario(bed);
    report = await view.settled();
  });

  afterAll(() => bed?.stop());

  test(`runs on ${kernel}`, () => {
    expect(bed.vm.kernelRelease).toMatch(new RegExp(`^${kernel.replace(".", "\\.")}\\.`));
  });

  describe("verdicts", () => {
    test("the host is affirming, by a verified quote of a TPM with a verified EK", () => {
      expect(report.node.host).toMatchObject({ tier: "affirming", reasons: [] });
      expect(report.node.host.limits).toContain("BOOT_UNVERIFIED");
      expect(report.node.host.limits).toContain("IMA_POLICY_UNPROVEN");
      expect(report.node.tpm).toEqual({ ekVerified: true });
      expect(report.node.quote).toEqual({ verified: true, bank: "sha256", pcrs: [10, 13] });
    });

    test.each(["clean", "twin", "short"])("%s is affirming", (name) => {
      const { verdict, declared, image } = namespaceOf(report, name);
      expect(verdict).toMatchObject({ tier: "affirming", reasons: [] });
      expect([declared, image]).toEqual([true, bed.image.digest]);
    });

    test("tampered is contraindicated for both of its files, each with its digest", () => {
      const { verdict, entries } = namespaceOf(report, "tampered");
      expect(verdict.tier).toBe("contraindicated");
      const blamed = verdict.reasons.map(({ code, path, digest }) => [code, path, digest]);
      const digestOf = (path: string) => entries.find((entry) => entry.path === path)?.digest;
      expect(blamed).toEqual(
        ["/bin/dropped", "/vol/tool"].map((path) => ["NOT_IN_ALLOWLIST", path, digestOf(path)]),
      );
      expect(new Set(blamed.map(([, , digest]) => digest)).size).toBe(2);
    });

    test("neighbour is contraindicated for a file that the kernel listed for tampered only", () => {
      const { verdict } = namespaceOf(report, "neighbour");
      expect(verdict.tier).toBe("contraindicated");
      expect(verdict.reasons).toMatchObject([{ code: "NOT_IN_ALLOWLIST", path: "/vol/tool" }]);
    });

    test("five namespaces, short closed, nothing pending", () => {
      const states = report.namespaces.map(({ name, state }) => `${name} ${state}`).sort();
      expect(states).toEqual([
        "clean open",
        "neighbour open",
        "short closed",
        "tampered open",
        "twin open",
      ]);
      expect(report.hostList.pending).toBe(0);
      for (const { entries, levels } of report.namespaces) {
        expect(levels).toEqual({ kernel: entries.length });
      }
    });
  });

  describe("entries", () => {
    test("every namespace lists /bin/busybox, the kernel once, and /vol/tool once", async () => {
      for (const { entries } of report.namespaces) {
        expect(entries.filter(({ path }) => path === "/bin/busybox")).toHaveLength(1);
      }
      const { entries } = parseMeasurementList((await bed.vm.collect()).list);
      const times = (path: string) => entries.filter((entry) => entry.path === path).length;
      expect([times("/bin/busybox"), times("/vol/tool")]).toEqual([1, 1]);
      const { host, namespaces, pending } = report.hostList;
      expect([report.hostList.entries, host + namespaces + pending]).toEqual([
        entries.length,
        entries.length,
      ]);
    });

    test("a namespace lists what was executed in it, and nothing of runc", () => {
      const listed = (name: string) =>
        [...new Set(namespaceOf(report, name).entries.map(({ path }) => path))].sort();
      expect(listed("clean")).toEqual(["/bin/busybox", "/bin/later", "/bin/probe"]);
      expect(listed("twin")).toEqual(listed("clean"));
      expect(listed("short")).toEqual(["/bin/busybox"]);
      expect(listed("tampered")).toEqual(["/bin/busybox", "/bin/dropped", "/vol/tool"]);
      expect(listed("neighbour")).toEqual(["/bin/busybox", "/bin/probe", "/vol/tool"]);
    });
  });

  describe("proof", () => {
    let folder: string;
    let list: Buffer;
    let log: Buffer;
    let pcrs: ReadonlyMap<number, string>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "nsattest-vm-"));
      ({ list, log, pcrs } = await collectWithLog(bed));
    });

    afterAll(() => rm(folder, { recursive: true }));

    test("evmctl replays the whole list to PCR 10", async () => {
      const lines = Array.from({ length: 24 }, (_, index) => {
        const bytes = pcrs
          .get(index)
          ?.toUpperCase()
          .replace(/..(?!$)/g, "$& ");
        return `PCR-${String(index).padStart(2, "0")}: ${bytes}\n`;
      });
      const files = { list: join(folder, "list"), pcrs: join(folder, "pcrs") };
      await writeFile(files.pcrs, lines.join(""));
      await writeFile(files.list, list);
      const { status, stdout, stderr, error } = spawnSync(
        "evmctl",
        [
          ...["ima_measurement", "-v", "--ignore-violations", "--verify-bank=sha256"],
          ...[`--pcrs=sha256,${files.pcrs}`, files.list],
        ],
        { encoding: "latin1" },
      );
      expect(error).toBeUndefined();
      const { length } = parseMeasurementList(list).entries;
      expect(stdout + stderr).toContain(`sha256 PCR-10: succeed at entry ${length}\n`);
      expect(status).toBe(0);
    });

    test("the namespace log on disk replays to PCR 13", () => {
      const value = Buffer.from(pcrs.get(13) ?? "", "hex");
      expect(value.equals(Buffer.alloc(32))).toBe(false);
      const { events } = replayLog(EMPTY_LOG, batchesOf(log), decodeEvent, value);
      expect(events[0]).toMatchObject({ kind: "boot", kernel: bed.vm.kernelRelease });
      expect(events.filter(({ kind }) => kind === "ns-open")).toHaveLength(5);
      expect(events.filter(({ kind }) => kind === "gap")).toEqual([]);
    });
  });

  describe("privileges", () => {
    test.each([
      ["monitor", 990, "0000008000080004"], // BPF, SYS_PTRACE, DAC_READ_SEARCH
      ["agent", 991, "0000000000000000"],
    ])("%s runs as %i with the capabilities %s", async (service, id, capabilities) => {
      const text = await bed.vm.check(`cat /proc/$(cat /run/${service}.pid)/status`);
      const status = new Map(
        text.split("\n").map((line): [string, string] => {
          const [key = "", value = ""] = line.split(":\t");
          return [key, value.trim()];
        }),
      );
      const fields = ["Uid", "Gid", "Groups", "NoNewPrivs", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
      const ids = `${id}\t${id}\t${id}\t${id}`;
      expect(fields.map((field) => status.get(field))).toEqual([
        ids,
        ids,
        "",
        "1",
        ...Array(4).fill(capabilities),
      ]);
    });

    test("the loader left programs that belong to root, and ended", async () => {
      const pins = "/sys/fs/bpf/nsattest";
      expect(await bed.vm.check(`stat -c '%u:%g %a' ${pins} ${pins}/* | sort -u`)).toBe(
        "0:990 660\n0:990 750\n",
      );
      expect(await bed.vm.check("ps -o user,args")).not.toMatch(/bpf\.cjs/);
    });

    test("preflight finds everything that a node stands on", async () => {
      const preflight = "exec node /usr/lib/nsattest/preflight.cjs --json";
      const { code, stdout } = await bed.vm.run(preflight);
      const found = JSON.parse(stdout.toString()) as { findings: { state: string }[] };
      expect(found.findings.filter(({ state }) => state !== "ok")).toEqual([]);
      expect(found).toMatchObject({ readiness: "ready", limits: [] });
      expect(found.findings).toHaveLength(16);
      expect(code).toBe(0);
    });

    test("the monitor has no network", async () => {
      const interfaces = await bed.vm.check("tail -n +3 /proc/$(cat /run/monitor.pid)/net/dev");
      expect(interfaces.trim()).toMatch(/^lo:[^\n]*$/);
    });

    test("the agent opens neither TPM nor log nor hook socket", async () => {
      for (const path of ["/dev/tpmrm0", "/dev/tpm0", LOG]) {
        expect(await refusal(bed, "nsattest-agent", "-all", `head -c 1 ${path}`)).toMatch(/denied/);
      }
      const socket = await bed.vm.check("stat -c '%U %a' /run/nsattest/hook.sock");
      expect(socket).toBe("nsattest-monitor 600\n");
    });

    test("the monitor cannot remove a pin, and the program goes on", async () => {
      const capabilities = "-all,+bpf,+dac_read_search,+sys_ptrace";
      const pin = "/sys/fs/bpf/nsattest/link_nsattest_exec";
      const said = await refusal(bed, "nsattest-monitor", capabilities, `rm -f ${pin}`);
      expect(said).toMatch(/denied/);
      await bed.vm.check(`stat ${pin}`);
    });
  });
}

/** Runs a command as one of our users must not be able to; what it says. */
async function refusal(
  { vm }: Testbed,
  user: string,
  capabilities: string,
  command: string,
): Promise<string> {
  const sets = ["inh-caps", "ambient-caps", "bounding-set"].map(
    (set) => `--${set}=${capabilities}`,
  );
  const { code, stderr } = await vm.run(
    `/usr/bin/setpriv --reuid ${user} --regid ${user} --clear-groups --no-new-privs ${sets.join(" ")} ${command}`,
  );
  expect(code).not.toBe(0);
  return stderr.toString();
}

/** List, log and PCRs of one moment: nothing was written while they were read. */
async function collectWithLog({
  vm,
}: Testbed): Promise<{ list: Buffer; log: Buffer; pcrs: ReadonlyMap<number, string> }> {
  for (let tries = 0; tries < QUIET_TRIES; tries++) {
    const before = await vm.read(LOG);
    const { list, pcrs } = await vm.collect();
    const log = await vm.read(LOG);
    if (log.equals(before)) return { list, log, pcrs };
  }
  throw new Error("the log never stands still");
}

function batchesOf(log: Buffer): readonly LogRecord[][] {
  const batches: LogRecord[][] = [[]];
  for (const { frame } of decodeFrames(log)) {
    if (frame.kind === "seal") batches.push([]);
    else batches.at(-1)?.push(frame.record);
  }
  expect(batches.pop()).toEqual([]);
  return batches;
}
