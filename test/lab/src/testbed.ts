// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Artefacts } from "./artefacts.ts";
import { gatherBaseSystem } from "./base-system.ts";
import { bootPolicyFor, firmwareEventsIn, knownFirmwareEvents } from "./boot-reference.ts";
import { bootVm, type VmOptions } from "./boot-vm.ts";
import { busyboxImage, type ContainerImage } from "./container-image.ts";
import type { GuestCommand } from "./guest-command.ts";
import { code, dataFrom, executable, type GuestFile } from "./guest-file.ts";
import type { KernelSeries } from "./kernel.ts";
import { HOOK_PATH } from "./oci-config.ts";
import { type LabPolicies, Services } from "./services.ts";
import type { Vm } from "./vm.ts";

export interface TestbedOptions {
  readonly artefacts: Artefacts;
  readonly kernel: KernelSeries;
  readonly cacheDir: string;
  /** Programs of the containers' image beside busybox; see `busyboxImage`. */
  readonly programs?: readonly string[];
  /** Further executable files of that image: path in it to file of this machine. */
  readonly imageFiles?: ReadonlyMap<string, string>;
  /** Further files of the machine. */
  readonly files?: readonly GuestFile[];
  readonly append?: readonly string[];
  /**
   * Boot through firmware that measures what it boots, and expect just that boot: with kernel, command line and initial
   * file system as the lab's files have them. Takes ten seconds more.
   */
  readonly measuredBoot?: boolean;
  /** Text of another IMA policy than a node's. */
  readonly imaPolicy?: string;
  /** What the verifier expects instead of what is usual. */
  readonly policies?: (usual: LabPolicies) => LabPolicies;
  readonly intervalSeconds?: number;
  readonly validSeconds?: number;
  /** Told what is being done. */
  readonly log?: (line: string) => void;
}

/** Files of the node's own programs in the guest. */
const CODE_FOLDER = "/usr/lib/nsattest";
/** Those of them that run on every node, and have to be measured; preflight runs when somebody asks. */
const SERVICE_FILES = ["agent.cjs", "bpf.cjs", "monitor.cjs"];
const STATE_FOLDER = "/var/lib/nsattest";
const BOOT_LOG = "/sys/kernel/security/tpm0/binary_bios_measurements";
const IMA_POLICY = "/etc/ima/ima-policy";
/** What runc brings: itself and the libraries it maps while it is on its way into a container. */
const RUNTIME_FILES =
  /^\/usr\/sbin\/runc$|^\/lib(64)?\/.*(ld-linux|libc\.so|libseccomp|libpthread|libdl)/;

export type NodeService = "monitor" | "agent";

/**
 * A node and the services that judge it: the machine with loader, monitor and agent in it, registrar and verifier outside.
 */
export class Testbed {
  readonly services: Services;
  readonly image: ContainerImage;
  readonly #folder: string;
  readonly #machine: VmOptions;
  readonly #node = new Map<NodeService, GuestCommand>();
  #vm: Vm;

  private constructor(
    vm: Vm,
    machine: VmOptions,
    services: Services,
    image: ContainerImage,
    folder: string,
  ) {
    this.#vm = vm;
    this.#machine = machine;
    this.services = services;
    this.image = image;
    this.#folder = folder;
  }

  /** The machine as it runs now: another one after a reboot. */
  get vm(): Vm {
    return this.#vm;
  }

  /** Boots, starts everything and returns when the monitor takes containers. @throws LabError */
  static async start(options: TestbedOptions): Promise<Testbed> {
    const { artefacts, cacheDir, log } = options;
    const base = await gatherBaseSystem(cacheDir);
    const image = await busyboxImage(
      "busybox",
      base,
      options.programs ?? [],
      cacheDir,
      options.imageFiles,
    );
    const bundles = (await readdir(artefacts.node)).sort();
    const files: GuestFile[] = [
      ...bundles.map((name) => code(`${CODE_FOLDER}/${name}`, join(artefacts.node, name))),
      dataFrom(`${CODE_FOLDER}/nsattest.bpf.o`, artefacts.bpfObject),
      executable(HOOK_PATH, artefacts.hook),
      ...image.files,
      ...(options.files ?? []),
    ];
    log?.("booting the node");
    const folder = await mkdtemp(join(tmpdir(), "nsattest-lab-"));
    const machine: VmOptions = {
      kernel: options.kernel,
      cacheDir,
      files,
      measuredBoot: options.measuredBoot ?? false,
      tpmStateDir: join(folder, "tpm"),
      ...(options.append === undefined ? {} : { append: options.append }),
      ...(options.imaPolicy === undefined ? {} : { imaPolicy: options.imaPolicy }),
    };
    const vm = await bootVm(machine).catch(async (error: unknown) => {
      await rm(folder, { recursive: true, force: true });
      throw error;
    });
    try {
      log?.("starting registrar and verifier");
      const usual: LabPolicies = {
        imaPolicy: { path: IMA_POLICY, digest: `sha256:${vm.disk.digests.get(IMA_POLICY)}` },
        runtimes: [...vm.disk.digests]
          .filter(([path]) => RUNTIME_FILES.test(path))
          .map(([, digest]) => `sha256:${digest}`),
        programs: SERVICE_FILES.map((name) => `${CODE_FOLDER}/${name}`),
        host: vm.hostPolicy,
        images: new Map([[image.digest, image.policy]]),
        ...(options.measuredBoot && { files: await bootPolicyFiles(vm, log) }),
      };
      const services = await Services.start({
        bin: artefacts.bin,
        folder: join(folder, "services"),
        ekRoots: vm.ekRoots,
        policies: options.policies?.(usual) ?? usual,
        intervalSeconds: options.intervalSeconds ?? 2,
        validSeconds: options.validSeconds ?? 20,
        ...(log === undefined ? {} : { log }),
      });
      const testbed = new Testbed(vm, machine, services, image, folder);
      await testbed.#startNode(log);
      return testbed;
    } catch (error) {
      await vm.stop();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts a service of the node; the monitor's resolves when it is ready. @throws LabError */
  async startService(name: NodeService): Promise<void> {
    // The start scripts and what they start replace each other: one process id from here to the service.
    const command = this.vm.spawn(
      `echo $$ > ${pidFile(name)}; exec ${CODE_FOLDER}/start-${name} 2>&1`,
    );
    this.#node.set(name, command);
    if (name === "monitor") await command.waitFor("monitor is ready");
  }

  /** Sends a signal to the process of a service, by its pid. */
  async signal(name: NodeService, signal: "KILL" | "STOP" | "CONT" | "TERM"): Promise<void> {
    await this.vm.check(`kill -${signal} $(cat ${pidFile(name)})`);
  }

  /** What a service has said since it was started last. */
  output(name: NodeService): string {
    return this.#node.get(name)?.stdout.toString("utf8") ?? "";
  }

  /**
   * Ends the machine as a power failure would and boots it again: the same TPM, one reset later, and what the node keeps. What is
   * outside goes on. Returns when the monitor takes containers.
   *
   * @param change what is booted instead this time
   */
  async reboot(change: Pick<VmOptions, "swapped" | "imaPolicy"> = {}): Promise<void> {
    // The machine's disk begins anew with each boot.
    const kept = await this.#vm.run(`tar -C ${STATE_FOLDER} -c .`);
    await this.#vm.stop();
    this.#vm = await bootVm({ ...this.#machine, ...change });
    await this.#vm.check(`tar -C ${STATE_FOLDER} -x`, { input: kept.stdout });
    await this.#startNode(undefined);
  }

  async stop(): Promise<void> {
    await this.services.stop();
    await this.vm.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #startNode(log: ((line: string) => void) | undefined): Promise<void> {
    log?.("loading the BPF programs");
    await this.vm.check("mkdir -p /etc/nsattest");
    await this.vm.write("/etc/nsattest/ca.crt", await this.services.authority());
    await this.vm.write("/etc/nsattest/agent.json", JSON.stringify(this.services.agentConfig()));
    await this.vm.check(
      `${CODE_FOLDER}/start-bpf < /sys/kernel/security/ima/binary_runtime_measurements`,
    );
    log?.("starting monitor and agent");
    await this.startService("monitor");
    await this.startService("agent");
  }
}

/** What a verifier gets that expects what `vm` is to boot. */
async function bootPolicyFiles(
  vm: Vm,
  log: ((line: string) => void) | undefined,
): Promise<Readonly<Record<string, string>>> {
  let firmware = await knownFirmwareEvents();
  if (firmware === null) {
    log?.("nobody captured this firmware's events: they are taken from this machine's own boot");
    firmware = firmwareEventsIn(await vm.read(BOOT_LOG));
  }
  return { "boot-policy.json": JSON.stringify(bootPolicyFor(vm.bootFiles, firmware)) };
}

function pidFile(name: NodeService): string {
  return `/run/${name}.pid`;
}
