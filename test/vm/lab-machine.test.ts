// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { randomBytes, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  bootVm,
  busyboxImage,
  Container,
  type ContainerImage,
  code,
  executable,
  gatherBaseSystem,
  HOOK_PATH,
  type Vm,
} from "@nsattest/lab";
import {
  ContentCache,
  compileAllowlist,
  compileRuntimePolicy,
  DEFAULT_LIST_PINS,
  initialListState,
  isBootAggregate,
  type ListEntry,
  parseMeasurementList,
  parseRuntimePolicy,
  replayList,
} from "@nsattest/ns-ima";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CACHE = join(ROOT, ".cache/lab");

/** Stands for each of our programs: says as whom it runs and what it can reach. */
const REPORT = `
const { readFileSync } = require("node:fs");
const status = Object.fromEntries(readFileSync("/proc/self/status", "utf8").trim().split("\\n").map((line) => line.split(":\\t")));
const { Uid, Gid, Groups, CapEff, CapPrm, CapBnd, CapAmb, NoNewPrivs } = status;
const interfaces = readFileSync("/proc/self/net/dev", "utf8").trim().split("\\n").length - 2;
console.log(JSON.stringify({ Uid, Gid, Groups: Groups.trim(), CapEff, CapPrm, CapBnd, CapAmb, NoNewPrivs, interfaces, args: process.argv.slice(2) }));
`;

let work: string;
let image: ContainerImage;
let vm: Vm;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "nsattest-vm-"));
  const report = join(work, "report.cjs");
  await writeFile(report, REPORT);
  const hook = join(work, "nsattest-hook");
  execFileSync(join(ROOT, "hook/build.sh"), [hook]);
  image = await busyboxImage("busybox", await gatherBaseSystem(CACHE), ["probe", "later"], CACHE);
  const bundles = ["bpf", "monitor", "agent"].map((name) =>
    code(`/usr/lib/nsattest/${name}.cjs`, report),
  );
  const files = [...bundles, executable(HOOK_PATH, hook), ...image.files];
  vm = await bootVm({ kernel: "6.1", cacheDir: CACHE, files });
});

afterAll(async () => {
  await vm.stop();
  await rm(work, { recursive: true });
});

describe("the host's list", () => {
  test("leads to PCR 10, and the host's policy knows all of it", async () => {
    const { list, pcrs } = await vm.collect();
    const { entries, consumed } = parseMeasurementList(list);
    expect(consumed).toBe(list.length);
    const quoted = new Map([[10, Buffer.from(pcrs.get(10) ?? "", "hex")]]);
    const start = initialListState(DEFAULT_LIST_PINS);
    const { contents } = replayList(start, list, quoted, new ContentCache(4));
    expect(contents).toHaveLength(entries.length);
    expect(pcrs.get(13)).toBe("00".repeat(32));

    const policy = compileRuntimePolicy(
      compileAllowlist(parseRuntimePolicy(vm.hostPolicy), () => ({
        size: 0,
        matches: () => false,
      })),
    );
    const isAllowed = ({ path, digest, buffer }: ListEntry): boolean => {
      if (digest === null) return false;
      const measured = { path, digest, signatures: [] };
      const decision =
        buffer === null
          ? policy.evaluateExecution(measured, "ima")
          : policy.evaluateBuffer(measured);
      return decision.outcome === "allowed";
    };
    const unknown = entries.filter(
      (entry, index) => !(index === 0 && isBootAggregate(entry)) && !isAllowed(entry),
    );
    expect(unknown).toEqual([]);
  });

  test("begins with the policy, loaded by its path before anything but init and its shell", async () => {
    const paths = (await listed()).map(({ path }) => path);
    expect(paths.slice(0, 5)).toEqual([
      "boot_aggregate",
      "/sbin/init",
      "/bin/busybox",
      "/etc/ima/ima-policy",
      ".builtin_trusted_keys",
    ]);
  });

  test("has a file of the code user once it was read, by whomever, and no other file that was read", async () => {
    await vm.check(
      "cp /usr/lib/nsattest/agent.cjs /root/copy && cat /root/copy /usr/lib/nsattest/agent.cjs",
    );
    const paths = (await listed()).map(({ path }) => path);
    expect(paths).toContain("/usr/lib/nsattest/agent.cjs");
    expect(paths).not.toContain("/root/copy");
  });
});

describe("the command channel", () => {
  test("carries any bytes, many commands at once, and each one's own end", async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const input = randomBytes(50_000 + index);
        const result = await vm.run(`cat; echo "to $0 ${index}" >&2; exit ${index}`, { input });
        return [result.stdout.equals(input), `${result.stderr}`, result.code];
      }),
    );
    expect(results).toEqual(results.map((_, index) => [true, `to /bin/sh ${index}\n`, index]));
  });

  test("a file is read back as it was written", async () => {
    const bytes = randomBytes(1_000_000);
    await vm.write("/root/it's a file", bytes, 0o600);
    expect((await vm.read("/root/it's a file")).equals(bytes)).toBe(true);
    await expect(vm.read("/root/nowhere")).rejects.toMatchObject({ code: "LAB_COMMAND" });
  });

  test("a background process does not hold a command, a signal ends one, a deadline as well", async () => {
    expect(await vm.check("sleep 1000 & echo done")).toBe("done\n");
    const command = vm.spawn("echo up; sleep 1000; echo never");
    await command.waitFor("up");
    command.signal(9);
    expect(await command.result).toMatchObject({ code: 137, stdout: Buffer.from("up\n") });
    const late = vm.run("echo started; sleep 1000", { timeout: 500 });
    await expect(late).rejects.toMatchObject({ code: "LAB_TIMEOUT" });
  });
});

describe("our programs are started with nothing they do not need", () => {
  test("loader, monitor and agent", async () => {
    const none = "0000000000000000";
    const loader = "000000c000000000"; // BPF, PERFMON
    const monitor = "0000008000080004"; // BPF, SYS_PTRACE, DAC_READ_SEARCH
    expect(await report("bpf")).toEqual(as(992, "990", loader, 2));
    expect(await report("monitor")).toEqual(as(990, "", monitor, 1));
    expect(await report("agent")).toEqual(as(991, "", none, 2));
  });

  test("the pins belong to root and the monitor may read them; the TPM is the monitor's", async () => {
    const owners = "stat -c '%u:%g %a' /sys/fs/bpf/nsattest /dev/tpmrm0 /dev/tpm0";
    expect(await vm.check(owners)).toMatch(/^0:990 750\n0:990 660\n0:\d+ 600\n$/);
  });

  async function report(service: string): Promise<unknown> {
    return JSON.parse(
      await vm.check(`/usr/lib/nsattest/start-${service} one "two three" </dev/null`),
    );
  }

  function as(id: number, groups: string, caps: string, interfaces: number): object {
    const ids = `${id}\t${id}\t${id}\t${id}`;
    return {
      ...{ Uid: ids, Gid: ids, Groups: groups, NoNewPrivs: "1", interfaces },
      ...{ CapEff: caps, CapPrm: caps, CapBnd: caps, CapAmb: caps },
      args: ["one", "two three"],
    };
  }
});

describe("containers", () => {
  test("run from the image; what the host ran before adds no entry, what is new does", async () => {
    const container = await Container.prepare(vm, {
      ...{ id: "plain", image, hook: null },
      args: ["/bin/sh", "-c", "/bin/probe first; exec /bin/sleep 1000"],
    });
    await container.create();
    await container.start();
    const { code: exit, stdout } = await container.exec(["/bin/later", "it's", "me"]);
    expect([exit, stdout.toString()]).toEqual([0, "I am later it's me\n"]);
    expect(await container.output()).toBe("I am probe first\n");
    const paths = (await listed()).map(({ path }) => path);
    expect(paths.filter((path) => path === "/bin/busybox")).toHaveLength(1);
    expect(paths).toEqual(expect.arrayContaining(["/usr/sbin/runc", "/bin/probe", "/bin/later"]));
    await container.delete();
    await container.discard();
  });

  test("share a volume, and an id can be used again", async () => {
    for (const word of ["first\n", "second\n"]) {
      const args = ["/bin/sh", "-c", `echo ${word.trim()} >> /vol/words; cat /vol/words`];
      const container = await Container.prepare(vm, { id: "again", image, args, hook: null });
      expect(await container.run()).toMatchObject({ code: 0 });
      await container.discard();
    }
    const container = await Container.prepare(vm, {
      ...{ id: "reader", image, hook: null },
      args: ["/bin/cat", "/vol/words"],
    });
    expect((await container.run()).stdout.toString()).toBe("first\nsecond\n");
  });

  test("do not start while the monitor is down, unless the hook was told to allow it", async () => {
    const denied = await Container.prepare(vm, { id: "denied", image, args: ["/bin/probe"] });
    await expect(denied.create()).rejects.toMatchObject({
      code: "LAB_COMMAND",
      message: expect.stringContaining(
        "exit status 5, stdout: , stderr: nsattest-hook: createRuntime: /run/nsattest/hook.sock: there is no such socket",
      ),
    });
    const allowed = await Container.prepare(vm, {
      ...{ id: "allowed", image, args: ["/bin/probe"] },
      hook: ["--owner", "990", "--on-down=allow"],
    });
    await allowed.create();
    await allowed.start();
    await allowed.wait();
    expect(await allowed.output()).toBe("I am probe\n");
    await allowed.delete();
  });
});

test("the TPM's EK is certified by the CA the machine names", () => {
  const [root, issuer] = vm.ekRoots.map((pem) => new X509Certificate(pem));
  expect(vm.ekRoots).toHaveLength(2);
  expect(issuer?.verify(root?.publicKey ?? issuer.publicKey)).toBe(true);
  expect(issuer?.subject).not.toBe(root?.subject);
});

test("a machine that does not come up says what its console said", async () => {
  const boot = bootVm({ kernel: "6.1", cacheDir: CACHE, files: [], append: ["rdinit=/nowhere"] });
  await expect(boot).rejects.toMatchObject({
    code: "LAB_BOOT",
    message: expect.stringContaining("Kernel panic"),
  });
});

async function listed(): Promise<readonly ListEntry[]> {
  return parseMeasurementList((await vm.collect()).list).entries;
}
