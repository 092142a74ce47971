// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Artefacts } from "./artefacts.ts";
import { gatherBaseSystem } from "./base-system.ts";
import { bootVm } from "./boot-vm.ts";
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
const IMA_POLICY = "/etc/ima/ima-policy";
/** What runc brings: itself and the libraries it maps while it is on its way into a container. */
const RUNTIME_FILES =
  /^\/usr\/sbin\/runc$|^\/lib(64)?\/.*(ld-linux|libc\.so|libseccomp|libpthread|libdl)/;

export type NodeService = "monitor" | "agent";

/**
 * A node and the services that judge it: the machine with loader, monitor and agent in it, registrar and verifier outside.
 */
export class Testbed {
  readonly vm: Vm;
  readonly services: Services;
  readonly image: ContainerImage;
  readonly #folder: string;
  readonly #node = new Map<NodeService, GuestCommand>();

  private constructor(vm: Vm, services: Services, image: ContainerImage, folder: string) {
    this.vm = vm;
    this.services = services;
    this.image = image;
    this.#folder = folder;
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
    const vm = await bootVm({
      kernel: options.kernel,
      cacheDir,
      files,
      ...(options.append === undefined ? {} : { append: options.append }),
      ...(options.imaPolicy === undefined ? {} : { imaPolicy: options.imaPolicy }),
    });
    const folder = await mkdtemp(join(tmpdir(), "nsattest-lab-"));
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
      const testbed = new Testbed(vm, services, image, folder);
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

function pidFile(name: NodeService): string {
  return `/run/${name}.pid`;
}
