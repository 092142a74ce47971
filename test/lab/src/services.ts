// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { startBoundProcess } from "./bound-process.ts";
import { LabError } from "./error.ts";
import { runHostTool } from "./host-tool.ts";
import type { RuntimePolicyDocument } from "./runtime-policy.ts";

/** What the verifier of a lab expects. */
export interface LabPolicies {
  readonly imaPolicy: { readonly path: string; readonly digest: string };
  readonly runtimes: readonly string[];
  readonly programs: readonly string[];
  readonly host: RuntimePolicyDocument;
  /** By image digest. */
  readonly images: ReadonlyMap<string, RuntimePolicyDocument>;
  /** Further members of `node-policy.json`. */
  readonly node?: Readonly<Record<string, unknown>>;
  /** Further members of every image's entry in `namespace-policies.json`. */
  readonly namespaces?: Readonly<Record<string, unknown>>;
  /** Further files of the folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface ServicesOptions {
  /** Folder with `registrar.mjs` and `verifier.mjs`. */
  readonly bin: string;
  /** Empty folder for databases, certificates and configuration. */
  readonly folder: string;
  /** PEM of the CAs that certify EKs: roots and what stands below them. */
  readonly ekRoots: readonly string[];
  readonly policies: LabPolicies;
  readonly intervalSeconds: number;
  readonly validSeconds: number;
  readonly log?: (line: string) => void;
}

/** How an operator reaches the verifier; the files are PEM. */
export interface OperatorAccess {
  readonly url: string;
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Address of this machine as a guest sees it (QEMU's user network). */
const HOST_FOR_GUEST = "10.0.2.2";
const PENDING_SECONDS = 30;
const END_MS = 5_000;

/** A registrar and a verifier as processes of this machine, on loopback, with certificates of their own authority. */
export class Services {
  readonly #options: ServicesOptions;
  readonly #ports: { readonly registrar: number; readonly verifier: number };
  readonly #running = new Map<string, ChildProcess>();

  private constructor(options: ServicesOptions, ports: { registrar: number; verifier: number }) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Makes certificates and configuration and starts both. @throws LabError `LAB_TOOL_FAILED` */
  static async start(options: ServicesOptions): Promise<Services> {
    const services = new Services(options, {
      registrar: await freePort(),
      verifier: await freePort(),
    });
    await services.#configure();
    await services.startProcess("registrar");
    await services.startProcess("verifier");
    return services;
  }

  /** Configuration of an agent in the guest. */
  agentConfig(): Readonly<Record<string, string>> {
    return {
      registrar: `https://${HOST_FOR_GUEST}:${this.#ports.registrar}`,
      verifier: `https://${HOST_FOR_GUEST}:${this.#ports.verifier}`,
      caFile: "/etc/nsattest/ca.crt",
      stateFolder: "/var/lib/nsattest/agent",
      monitorSocket: "/run/nsattest/monitor.sock",
    };
  }

  /** PEM of the authority that both services are certified by. */
  authority(): Promise<string> {
    return readFile(this.#pki("ca.crt"), "utf8");
  }

  operatorAccess(): OperatorAccess {
    return {
      url: `https://127.0.0.1:${this.#ports.verifier}`,
      caFile: this.#pki("ca.crt"),
      certificateFile: this.#pki("operator.crt"),
      keyFile: this.#pki("operator.key"),
    };
  }

  /** Starts a service and waits until it listens. @throws LabError `LAB_TOOL_FAILED` when it ends first */
  async startProcess(name: "registrar" | "verifier"): Promise<void> {
    const { bin, folder, log } = this.#options;
    const child = startBoundProcess(process.execPath, [
      join(bin, `${name}.mjs`),
      "serve",
      "--config",
      join(folder, `${name}.json`),
    ]);
    this.#running.set(name, child);
    let output = "";
    await new Promise<void>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        const text = chunk.toString("utf8");
        output = (output + text).slice(-4000);
        for (const line of text.trimEnd().split("\n")) log?.(`${name}: ${line}`);
        if (output.includes(`${name}-started`)) resolve();
      };
      child.stdout.on("data", take);
      child.stderr.on("data", take);
      child.on("exit", (code) => {
        this.#running.delete(name);
        reject(new LabError("LAB_TOOL_FAILED", `${name} ended with ${code}: ${output}`));
      });
    });
  }

  /** Ends a service at once, as a crash would. */
  async kill(name: "registrar" | "verifier"): Promise<void> {
    await this.#end(name, "SIGKILL");
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.#end(name, "SIGTERM")));
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.#running.get(name);
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
    await ended;
    clearTimeout(timer);
  }

  #pki(file: string): string {
    return join(this.#options.folder, "pki", file);
  }

  async #configure(): Promise<void> {
    const { bin, folder, ekRoots, policies, intervalSeconds, validSeconds } = this.#options;
    const hosts = ["127.0.0.1", "localhost", HOST_FOR_GUEST].flatMap((host) => ["--host", host]);
    await mkdir(folder, { recursive: true });
    await runHostTool(process.execPath, [
      join(bin, "registrar.mjs"),
      "init",
      "--dir",
      this.#pki(""),
      ...hosts,
    ]);
    const [root = "", ...intermediates] = ekRoots;
    await writeFiles(join(folder, "ek-roots"), { "root.pem": root });
    await writeFiles(
      join(folder, "ek-intermediates"),
      Object.fromEntries(intermediates.map((pem, index) => [`${index}.pem`, pem])),
    );
    await writeFiles(folder, {
      "registrar.json": JSON.stringify({
        listen: { host: "127.0.0.1", port: this.#ports.registrar },
        database: "registrar.db",
        caDir: "pki",
        enrolment: { ekCertificate: { roots: "ek-roots", intermediates: "ek-intermediates" } },
      }),
      "verifier.json": JSON.stringify({
        listen: { host: "127.0.0.1", port: this.#ports.verifier },
        database: "verifier.db",
        tls: { ca: "pki/ca.crt", certificate: "pki/verifier.crt", key: "pki/verifier.key" },
        registrar: { url: `https://127.0.0.1:${this.#ports.registrar}` },
        policies: "policies",
        intervalSeconds,
        validSeconds,
        pendingSeconds: PENDING_SECONDS,
      }),
    });
    await writeFiles(join(folder, "policies"), policyFiles(policies));
  }
}

function policyFiles(policies: LabPolicies): Record<string, string> {
  const { host, images, node, namespaces, files, ...usual } = policies;
  const named = [...images].map(([image, policy], index) => ({
    image,
    policy,
    file: `image-${index}.json`,
  }));
  const documents: Record<string, unknown> = {
    "node-policy.json": { ...usual, ...node, runtimePolicy: "host.json" },
    "host.json": host,
    "namespace-policies.json": {
      policies: named.map(({ image, file }) => ({ ...namespaces, image, runtimePolicy: file })),
    },
  };
  for (const { file, policy } of named) documents[file] = policy;
  const texts = Object.entries(documents).map(([file, value]) => [file, JSON.stringify(value)]);
  return { ...Object.fromEntries(texts), ...files };
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files))
    await writeFile(join(folder, name), text, { mode: 0o600 });
}

/** A port of loopback that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      );
    });
  });
}
