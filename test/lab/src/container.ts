// SPDX-License-Identifier: Apache-2.0
import type { ContainerImage } from "./container-image.ts";
import { LabError } from "./error.ts";
import type { CommandResult, GuestCommand, RunOptions } from "./guest-command.ts";
import { GUEST_USERS } from "./guest-user.ts";
import { type OciConfig, ociConfig, SHARED_VOLUME } from "./oci-config.ts";
import { shellQuote } from "./shell-quote.ts";
import type { Vm } from "./vm.ts";

/** How a container is made. */
export interface ContainerOptions {
  /** As runc knows it: letters, digits, `-`, `_` and `.`. */
  readonly id: string;
  readonly image: ContainerImage;
  /** Its first process. */
  readonly args: readonly string[];
  /** Arguments of the hook before its verb; null: no hook. Default: the monitor's uid as owner of the socket. */
  readonly hook?: readonly string[] | null;
  /** Changes the configuration, for scenarios with other namespaces, mounts or capabilities. */
  readonly adjust?: (config: OciConfig) => OciConfig;
}

/** One container in the machine, driven with runc. */
export class Container {
  readonly id: string;
  readonly #vm: Vm;
  readonly #bundle: string;

  private constructor(vm: Vm, id: string) {
    this.id = id;
    this.#vm = vm;
    this.#bundle = bundleOf(id);
  }

  /**
   * Lays out the bundle: `config.json`, and the image's files below a writable layer of the container's own (overlay).
   *
   * @throws LabError `LAB_COMMAND`
   */
  static async prepare(vm: Vm, options: ContainerOptions): Promise<Container> {
    const { id, image } = options;
    if (!/^[A-Za-z0-9][\w.-]*$/.test(id))
      throw new LabError("LAB_FILE", `${id} is no container id`);
    const bundle = bundleOf(id);
    const hook =
      options.hook === undefined
        ? ["--owner", String(GUEST_USERS["nsattest-monitor"])]
        : options.hook;
    const config = ociConfig({ id, image: image.digest, args: options.args, hook });
    const layers = `/var/lib/containers/${id}`;
    const overlay = `lowerdir=${image.root},upperdir=${layers}/upper,workdir=${layers}/work`;
    await vm.check(
      [
        `mkdir -p ${bundle}/rootfs ${layers}/upper ${layers}/work ${SHARED_VOLUME}`,
        `mount -t overlay overlay -o ${overlay} ${bundle}/rootfs`,
        `cat > ${bundle}/config.json`,
      ].join(" && "),
      { input: JSON.stringify(options.adjust?.(config) ?? config) },
    );
    return new Container(vm, id);
  }

  /** `runc create`: runs the `createRuntime` hook; the first process waits. @throws LabError `LAB_COMMAND` */
  async create(): Promise<void> {
    // The first process keeps these descriptors, so they are a file and not the command's own output.
    const output = `${this.#bundle}/output`;
    const log = `${this.#bundle}/runc.log`;
    await this.#vm.check(
      `runc --log ${log} create --bundle ${this.#bundle} --pid-file ${this.#bundle}/pid ${this.id} </dev/null >${output} 2>&1 ` +
        `|| { code=$?; cat ${output} ${log} >&2; exit $code; }`,
    );
  }

  /** `runc start`: lets the first process go. @throws LabError `LAB_COMMAND` */
  async start(): Promise<void> {
    await this.#vm.check(`runc start ${this.id}`);
  }

  /** `runc run`: create, start, wait for the end and delete. */
  run(options: RunOptions = {}): Promise<CommandResult> {
    const bundle = `--bundle ${this.#bundle} --pid-file ${this.#bundle}/pid`;
    return this.#vm.run(`runc run ${bundle} ${this.id}`, options);
  }

  /** Process id of its first process, as the host has it, also when that has ended. @throws LabError `LAB_COMMAND` before `create` */
  async firstProcess(): Promise<number> {
    return Number(await this.#vm.check(`cat ${this.#bundle}/pid`));
  }

  /** `runc exec`: another process in the running container. */
  exec(args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    return this.#vm.run(this.#execScript(args), options);
  }

  /** `runc exec` that goes on while others work. */
  spawn(args: readonly string[]): GuestCommand {
    return this.#vm.spawn(this.#execScript(args));
  }

  /** Waits until the first process has ended. @throws LabError `LAB_TIMEOUT` */
  async wait(options: RunOptions = {}): Promise<void> {
    const stopped = `runc state ${this.id} | grep -q '"status": "stopped"'`;
    await this.#vm.check(`until ${stopped}; do usleep 50000; done`, options);
  }

  /** What the first process wrote since `create`. */
  async output(): Promise<string> {
    return (await this.#vm.read(`${this.#bundle}/output`)).toString("utf8");
  }

  /** `runc delete --force`: ends it and runs the `poststop` hook. @throws LabError `LAB_COMMAND` */
  async delete(): Promise<void> {
    await this.#vm.check(`runc delete --force ${this.id}`);
  }

  /** Removes the bundle of a deleted container, so that its id can be used again. @throws LabError `LAB_COMMAND` */
  async discard(): Promise<void> {
    await this.#vm.check(
      `umount ${this.#bundle}/rootfs && rm -r ${this.#bundle} /var/lib/containers/${this.id}`,
    );
  }

  #execScript(args: readonly string[]): string {
    return `exec runc exec ${this.id} ${args.map(shellQuote).join(" ")}`;
  }
}

function bundleOf(id: string): string {
  return `/run/bundles/${id}`;
}
