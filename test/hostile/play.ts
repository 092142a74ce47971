// SPDX-License-Identifier: Apache-2.0
import {
  type CommandResult,
  Container,
  type KernelSeries,
  type OciConfig,
  type Testbed,
} from "@nsattest/lab";
import { type ListEntry, parseMeasurementList } from "@nsattest/ns-ima";
import type { NodeReport } from "@nsattest/protocol";
import { NodeView, type Sighting } from "../vm/node-view.ts";
import { startMachine } from "./machine.ts";
import type { Trick } from "./trick.ts";
import { type Code, Witness } from "./witness.ts";

/** Containers beside which the tricks are played, and what they do: `tricks/neighbours.c`. */
export const NEIGHBOURS: ReadonlyMap<string, string> = new Map([
  ["busy-one", "be-busy"],
  ["busy-two", "be-busy"],
  ["library-user", "hold-library"],
  ["root-lender", "lend-root"],
  ["cgroup-victim", "stay"],
]);

/** Until the last trick has been played, on a busy machine. */
const PLAY_MS = 30 * 60_000;

/** Every capability of Linux 6.1 and 6.12. */
const ALL_CAPABILITIES = [
  ...["AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE"],
  ...["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER"],
  ...["KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN"],
  ...["NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP"],
  ...["SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE"],
  ...["SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG"],
  "WAKE_ALARM",
].map((name) => `CAP_${name}`);

/** What was seen of a node on which tricks were played. */
export interface Performance {
  readonly results: ReadonlyMap<string, CommandResult>;
  /** The verifier's last word. */
  readonly report: NodeReport;
  /** What it said meanwhile, and which trick was being played. */
  readonly sightings: readonly (Sighting & { readonly trick: string })[];
  readonly hostEntriesBefore: number;
  /** The kernel's list, read after the report. */
  readonly list: readonly ListEntry[];
  /** By container: what the witness says that it executed. */
  readonly witnessed: ReadonlyMap<string, readonly Code[]>;
}

/** Boots a machine, plays all tricks in a container each, beside neighbours that execute all the time, and takes the machine down. */
export async function play(
  kernel: KernelSeries,
  append: readonly string[],
  tricks: readonly Trick[],
): Promise<Performance> {
  const bed = await startMachine(kernel, append);
  try {
    return await playOn(bed, tricks);
  } finally {
    await bed.stop();
  }
}

async function playOn(bed: Testbed, tricks: readonly Trick[]): Promise<Performance> {
  const { vm } = bed;
  const view = await NodeView.of(bed);
  const witness = await Witness.start(vm);
  const containers: Container[] = [];
  for (const [id, part] of NEIGHBOURS) {
    const neighbour = await prepare(bed, id, part, (config) => config);
    await neighbour.create();
    await neighbour.start();
    containers.push(neighbour);
  }
  const hostEntriesBefore = (await view.settled()).hostList.host;
  // Until now the neighbours had not executed anything, which is nothing to affirm.
  view.sightings.length = 0;

  const results = new Map<string, CommandResult>();
  const sightings: (Sighting & { trick: string })[] = [];
  let playing = "";
  let ended = false;
  const watching = view.until(
    "the tricks were not played",
    () => {
      sightings.push(...view.sightings.splice(0).map((seen) => ({ ...seen, trick: playing })));
      return ended;
    },
    PLAY_MS,
  );
  for (const trick of tricks) {
    playing = trick.id;
    const container = await prepare(bed, trick.id, trick.id, (config) => equipped(config, trick));
    results.set(trick.id, await container.run());
    containers.push(container);
  }
  ended = true;
  await watching;
  const firsts = new Map<string, number>();
  for (const container of containers) {
    // One that did not start has none.
    if ((results.get(container.id)?.code ?? 0) === 0)
      firsts.set(container.id, await container.firstProcess());
  }
  const witnessed = await witness.stop(firsts);
  const report = await view.settled();
  sightings.push(...view.sightings.map((seen) => ({ ...seen, trick: "afterwards" })));
  const list = parseMeasurementList((await vm.collect()).list).entries;
  return { results, report, sightings, hostEntriesBefore, list, witnessed };
}

function prepare(
  { vm, image }: Testbed,
  id: string,
  part: string,
  adjust: (config: OciConfig) => OciConfig,
): Promise<Container> {
  return Container.prepare(vm, { id, image, args: ["/bin/tricks", part], adjust });
}

/** The configuration of the container that plays `trick`. */
function equipped(config: OciConfig, { who, device, shares = [] }: Trick): OciConfig {
  const { process, linux, mounts } = config;
  const namespaces = linux.namespaces.filter(({ type }) => !shares.some((kind) => kind === type));
  if (who === undefined) {
    const [major, minor] = device ?? [];
    const allowed =
      device === undefined ? [] : [{ allow: true, access: "rwm", type: "c", major, minor }];
    const resources = { devices: [...linux.resources.devices, ...allowed] };
    return { ...config, linux: { ...linux, namespaces, resources } };
  }
  const capabilities = {
    bounding: ALL_CAPABILITIES,
    effective: ALL_CAPABILITIES,
    permitted: ALL_CAPABILITIES,
  };
  return {
    ...config,
    process: { ...process, capabilities },
    mounts: mounts.map((mount) => ({
      ...mount,
      options: mount.options.map((option) => (option === "ro" ? "rw" : option)),
    })),
    linux: {
      ...linux,
      namespaces,
      maskedPaths: [],
      readonlyPaths: [],
      resources: { devices: [{ allow: true, access: "rwm" }] },
    },
  };
}
