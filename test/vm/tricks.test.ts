// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from "node:crypto";
import { fileURLToPath } from "node:url";
import {
  type CommandResult,
  Container,
  compileProgram,
  type OciConfig,
  SHARED_VOLUME,
  type Testbed,
} from "@nsattest/lab";
import { type ListEntry, parseMeasurementList } from "@nsattest/ns-ima";
import type { NodeReport, Reason } from "@nsattest/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NodeView, namespaceOf } from "./node-view.ts";
import { CACHE, startTestbed } from "./project.ts";

const SOURCE = fileURLToPath(new URL("tricks.c", import.meta.url));
const SCRIPT = fileURLToPath(new URL("greet.sh", import.meta.url));

/** Copies of the program that the image's policy lists: what is held against a container is the trick, not the file. */
const LISTED = [
  ...["/bin/tricks", "/bin/direct", "/bin/second", "/bin/first", "/bin/protected"],
  ...["/bin/running", "/bin/shortened", "/bin/written", "/bin/package"],
  ...["/mnt/layered", "/vol/held", "/vol/mapped", "/vol/violated", "/vol/shared"],
];

const unlisted = (path: string): Partial<Reason> => ({ code: "NOT_IN_ALLOWLIST", path });
const unstable = (path: string, detail: string): Partial<Reason> => ({
  ...{ code: "DIGEST_UNSTABLE", path },
  detail,
});
const VIOLATION = unstable("", "violation");
const changeable = (path: string, detail: string): Partial<Reason> => ({
  ...{ code: "CODE_WRITABLE", path },
  detail,
});

/** A trick, why its container is contraindicated, and the paths under which the host's list shows it. */
type Row = readonly [trick: string, reasons: readonly Partial<Reason>[], listed: readonly string[]];

const FOLDER = "d".repeat(200);

/** What puts entries into the host's list that do not fit what the container executed. */
const TRICKS: readonly Row[] = [
  [
    "direct",
    [unstable("/bin/direct", "no-digest"), unstable("/bin/direct", "zero-digest")],
    ["/bin/direct"],
  ],
  [
    "shared-memory",
    [
      changeable("/SYSV00000000 (deleted)", "writable"),
      unstable("/SYSV00000000 (deleted)", "no-digest"),
      unstable("SYSV00000000", "zero-digest"),
    ],
    ["SYSV00000000"],
  ],
  ["held-writer", [VIOLATION, changeable("/vol/held", "writable")], ["/vol/held"]],
  ["write-mapped", [VIOLATION, changeable("/vol/mapped", "rewritten")], ["/vol/mapped"]],
  [
    "second-map",
    [VIOLATION, changeable("/bin/second", "writable"), unstable("/bin/second", "no-execution")],
    ["/bin/second"],
  ],
  ["upper-write", [{ code: "DIGEST_MISMATCH", path: "/mnt/layered" }], ["/mnt/layered"]],
  [
    "code-owner",
    [unstable("/usr/lib/nsattest/monitor.cjs", "no-execution")],
    ["/usr/lib/nsattest/monitor.cjs"],
  ],
  ["chroot-space", [unlisted("/bin/host tool")], ["/jail/bin/host_tool"]],
  ["long-path", [unlisted(`/${FOLDER}/${FOLDER}/deep`)], [`/${FOLDER}/${FOLDER}/deep`]],
  ["longest-path", [unlisted("")], ["deep"]],
  ["detached", [unlisted("/detached-bin")], ["detached-bin"]],
  ["renamed", [unlisted("/bin/renamed")], ["/bin/renamed"]],
  ["violations", [VIOLATION, changeable("/vol/violated", "rewritten")], ["/vol/violated"]],
];

/** Executions that look like something else, or that IMA does not see. */
const DISGUISES: readonly Row[] = [
  [
    "memory-file",
    [unlisted("/memfd:hidden (deleted)"), changeable("/memfd:hidden (deleted)", "writable")],
    ["memfd:hidden"],
  ],
  ["boot-aggregate", [unlisted("/boot_aggregate")], ["boot_aggregate"]],
  ["protect", [unstable("protected", "no-digest")], []],
];

/** What changes code while it runs. IMA has the entry of the file as it was, and nothing else. */
const REWRITES: readonly Row[] = [
  ["write-running", [changeable("/bin/running", "rewritten")], ["/bin/running"]],
  ["truncate-running", [changeable("shortened", "rewritten")], ["/bin/shortened"]],
  ["shared-writable", [changeable("/bin/written", "writable")], ["/bin/written"]],
];

/** What is done in a cgroup that is not the container's own. */
const ESCAPED: Partial<Reason> = { code: "CGROUP_ESCAPE", detail: "escaped" };
const ESCAPES: readonly Row[] = [
  ["escape-neighbour", [unlisted("/bin/stray"), ESCAPED], ["/bin/stray"]],
  ["escape-host", [unlisted("/bin/stray"), ESCAPED], ["/bin/stray"]],
];
const ALL: readonly Row[] = [...TRICKS, ...DISGUISES, ...REWRITES, ...ESCAPES];

/** Tricks that go on until they are told that it is enough. */
const ENDLESS: ReadonlySet<string> = new Set(["violations"]);
const ENOUGH = `${SHARED_VOLUME}/enough`;
/** The kernel's own count, and how far it has to go before evidence is asked for. */
const VIOLATIONS = "/sys/kernel/security/ima/violations";
const MANY = 200;

let bed: Testbed;
let view: NodeView;
let hostEntriesBefore: number;
let report: NodeReport;
let list: readonly ListEntry[];
const results = new Map<string, CommandResult>();

beforeAll(async () => {
  const program = await compileProgram(SOURCE, CACHE);
  bed = await startTestbed({
    kernel: "6.1",
    programs: ["later"],
    imageFiles: new Map([
      ...LISTED.map((path) => [path, program] as const),
      ["/bin/greet", SCRIPT],
    ]),
  });
  const certificate = new X509Certificate(bed.vm.ekRoots[0] ?? "").raw;
  await bed.vm.check(`mkdir -p ${SHARED_VOLUME} /sys/fs/cgroup/service`);
  await bed.vm.write(`${SHARED_VOLUME}/certificate.der`, certificate);
  view = await NodeView.of(bed);

  const bystander = await prepare("bystander", ["/bin/sleep", "100000"]);
  await bystander.create();
  await bystander.start();
  hostEntriesBefore = (await view.settled()).hostList.host;
  // Until now it had not executed anything, which is nothing to affirm.
  view.sightings.length = 0;

  results.set("script", await (await prepare("script", ["/bin/greet"])).run());
  for (const trick of ["own-key", "upgrade", ...ALL.map(([trick]) => trick)]) {
    const running = (await prepare(trick, ["/bin/tricks", trick])).run();
    if (ENDLESS.has(trick)) {
      await bed.vm.check(`until [ "$(cat ${VIOLATIONS})" -gt ${MANY} ]; do usleep 100000; done`);
      await view.settled();
      await bed.vm.check(`touch ${ENOUGH}`);
    }
    results.set(trick, await running);
    await bed.vm.check(`rm -f ${ENOUGH}`);
  }
  const runner = await prepare("run-shared", ["/bin/tricks", "run-shared"]);
  await runner.create();
  await runner.start();
  await view.until("nobody runs the shared file", (seen) => {
    const kinds = namespaceOf(seen, "run-shared").entries.flatMap(({ path, kinds }) =>
      path === "/vol/shared" ? kinds : [],
    );
    return kinds.includes("map");
  });
  results.set(
    "write-shared",
    await (await prepare("write-shared", ["/bin/tricks", "write-shared"])).run(),
  );
  const flood = await prepare("names", ["/bin/tricks", "names"]);
  await flood.create();
  const { length: seen } = view.sightings;
  await bed.signal("monitor", "STOP");
  await flood.start();
  await bed.vm.check(`until [ -e ${SHARED_VOLUME}/named ]; do usleep 100000; done`);
  const { code } = await bystander.exec(["/bin/later"]);
  await bed.vm.check(`touch ${ENOUGH}`);
  await bed.signal("monitor", "CONT");
  // While nobody makes evidence, and the flood is still being worked off, verdicts run out: of that nothing is to be told here.
  await view.settled();
  view.sightings.splice(seen);
  expect(code).toBe(0);
  report = await view.settled();
  list = parseMeasurementList((await bed.vm.collect()).list).entries;
});

afterAll(() => bed?.stop());

function prepare(id: string, args: readonly string[]): Promise<Container> {
  const adjust = ESCAPES.some(([trick]) => trick === id) ? withCgroupTree : undefined;
  return Container.prepare(bed.vm, { id, image: bed.image, args, ...(adjust && { adjust }) });
}

/** The host's whole cgroup tree, read-only, as containers without a cgroup namespace of their own see it. */
function withCgroupTree(config: OciConfig): OciConfig {
  const namespaces = config.linux.namespaces.filter(({ type }) => type !== "cgroup");
  return { ...config, linux: { ...config.linux, namespaces } };
}

function expectDone(trick: string): void {
  const { code, stderr } = results.get(trick) ?? {};
  expect([stderr?.toString(), code]).toEqual(["", 0]);
}

describe.each(ALL)("%s", (trick, reasons, listed) => {
  test("was done, and shows in the host's list", () => {
    expectDone(trick);
    for (const path of listed) {
      const named = list.filter((entry) => entry.path === path);
      // The host has entries of these names itself.
      const hosts = ["boot_aggregate", "/usr/lib/nsattest/monitor.cjs"].includes(path) ? 1 : 0;
      expect(named.length).toBeGreaterThan(hosts);
    }
  });

  test("its container is contraindicated, for that", () => {
    const { verdict } = namespaceOf(report, trick);
    expect(verdict.tier).toBe("contraindicated");
    expect(verdict.reasons).toHaveLength(reasons.length);
    expect(verdict.reasons).toMatchObject(reasons);
  });
});

test("violations were made without a pause, and evidence went on", () => {
  expect(list.filter(({ violation }) => violation).length).toBeGreaterThan(MANY);
});

test("a key in a container's own keyring adds no entry, and nobody is worse for it", () => {
  expectDone("own-key");
  expect(list.filter(({ template }) => template === "ima-buf").map(({ path }) => path)).toEqual([
    ".builtin_trusted_keys",
  ]);
  expect(namespaceOf(report, "own-key").verdict).toMatchObject({ tier: "affirming", reasons: [] });
});

test("a file that is replaced while it runs is as good as the new one", () => {
  expectDone("upgrade");
  expect(namespaceOf(report, "upgrade").verdict).toMatchObject({ tier: "affirming", reasons: [] });
});

test("what a neighbour writes to is the code of whoever runs it", () => {
  expectDone("write-shared");
  expect(namespaceOf(report, "run-shared").verdict).toMatchObject({
    tier: "contraindicated",
    reasons: [changeable("/vol/shared", "rewritten")],
  });
  const { verdict, entries } = namespaceOf(report, "write-shared");
  expect(verdict.limits).toContain("OTHERS_CODE");
  expect(entries).toContainEqual({ kinds: ["rewrite"], path: "/vol/shared", digest: null });
});

test("a flood of events while nobody reads them is lost to its maker alone", () => {
  const codesOf = (name: string) =>
    namespaceOf(report, name).verdict.reasons.map(({ code }) => code);
  expect(codesOf("names")).toContain("GAP");
  const others = report.namespaces.filter(({ id }) => !id.startsWith("names/"));
  expect(others.flatMap(({ verdict }) => verdict.reasons)).not.toContainEqual(
    expect.objectContaining({ code: "GAP" }),
  );
});

test("a script is listed with its interpreter, and leaves a limit", () => {
  expectDone("script");
  const { verdict, entries } = namespaceOf(report, "script");
  expect(verdict).toMatchObject({
    tier: "affirming",
    limits: expect.arrayContaining(["INTERPRETER"]),
  });
  expect(entries.map(({ path }) => path)).toEqual(["/bin/greet", "/bin/busybox"]);
});

test("a file in memory is listed with its digest", () => {
  expect(namespaceOf(report, "memory-file").entries).toContainEqual({
    kinds: ["exec", "map"],
    path: "/memfd:hidden (deleted)",
    digest: `sha256:${bed.image.policy.digests["/bin/tricks"]?.[0]}`,
  });
});

test("a mapping made executable is listed without a digest: the kernel gives none", () => {
  expect(namespaceOf(report, "protect").entries).toContainEqual({
    ...{ kinds: ["mprotect"], path: "protected" },
    digest: null,
  });
});

describe("meanwhile", () => {
  test("the host was affirming in every answer, and answers for no entry more", () => {
    const tiers = new Set(view.sightings.map(({ host }) => host));
    expect([...tiers]).toEqual(["affirming"]);
    expect(report.node.host.reasons).toEqual([]);
    expect(report.hostList.host).toBe(hostEntriesBefore);
    expect(report.hostList.entries).toBe(list.length);
  });

  test("a bystander was affirming in every answer", () => {
    const tiers = new Set(view.sightings.map(({ containers }) => containers.get("bystander")));
    expect([...tiers]).toEqual(["affirming"]);
    expect(namespaceOf(report, "bystander").entries.map(({ path }) => path)).toEqual([
      "/bin/busybox",
      "/bin/later",
    ]);
  });
});
