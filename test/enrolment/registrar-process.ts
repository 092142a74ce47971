// SPDX-License-Identifier: Apache-2.0

import { createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import {
  decodeEnrolChallenge,
  decodeRegistration,
  type EnrolChallenge,
  encodeEnrolFinish,
  encodeEnrolStart,
  enrolmentProof,
  type Registration,
} from "@nsattest/protocol";
import {
  initAuthority,
  type LogFields,
  type RegistrarConfig,
  runRegistrar,
} from "@nsattest/registrar";
import { expect } from "vitest";
import { type Enrolment, type EnrolOptions, enrol } from "../../agent/src/attester/enrol/enrol.ts";
import {
  createHttpsClient,
  type HttpsClient,
  jsonBody,
} from "../../agent/src/attester/https-client.ts";
import { administrate, type Order } from "../../registrar/src/administration.ts";
import { Store } from "../../registrar/src/store/store.ts";
import type { Machine } from "./machine.ts";

export interface RegistrarOptions {
  /** PEM. */
  readonly roots?: readonly string[];
  readonly intermediates?: readonly string[];
  /** Ways in beside a certificate of `roots`. */
  readonly ways?: Partial<RegistrarConfig["enrolment"]>;
}

/** The real registrar behind its real API, with a database and an authority of its own, and a clock that a test moves. */
export class RegistrarProcess {
  now: () => Date = () => new Date();
  readonly lines: LogFields[] = [];
  readonly #home: string;
  readonly #end = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #url = "";

  private constructor(home: string) {
    this.#home = home;
  }

  static async start(folder: string, options: RegistrarOptions = {}): Promise<RegistrarProcess> {
    const home = mkdtempSync(join(folder, "registrar-"));
    await initAuthority(join(home, "ca"), { hosts: ["127.0.0.1"], now: new Date() });
    const registrar = new RegistrarProcess(home);
    await registrar.#run(options);
    return registrar;
  }

  async #run({ roots = [], intermediates = [], ways = {} }: RegistrarOptions): Promise<void> {
    for (const [name, certificates] of Object.entries({ roots, intermediates })) {
      mkdirSync(join(this.#home, name));
      for (const [index, certificate] of certificates.entries()) {
        writeFileSync(join(this.#home, name, `${index}.pem`), certificate);
      }
    }
    const folders = {
      roots: join(this.#home, "roots"),
      intermediates: join(this.#home, "intermediates"),
    };
    const config: RegistrarConfig = {
      listen: { host: "127.0.0.1", port: 0 },
      database: join(this.#home, "registrar.db"),
      caDir: join(this.#home, "ca"),
      enrolment: { ekCertificate: folders, ekHash: false, joinToken: false, ...ways },
      certificateHours: 24,
    };
    const port = await new Promise<number>((resolve, reject) => {
      this.#running = runRegistrar(config, {
        log: (event, fields) => this.lines.push({ event, ...fields }),
        now: () => this.now(),
        signal: this.#end.signal,
        onListening: (address) => resolve(address.port),
      });
      this.#running.catch(reject);
    });
    this.#url = `https://127.0.0.1:${port}`;
  }

  stop(): Promise<void> {
    this.#end.abort();
    return this.#running;
  }

  /** The agent's own enrolment; what it keeps is in `home`. */
  enrol(
    nodeId: string,
    home: string,
    change: Partial<EnrolOptions> & Pick<EnrolOptions, "tpm">,
  ): Promise<Enrolment> {
    return enrol({
      registrarUrl: this.#url,
      nodeId,
      caFile: join(this.#home, "ca/ca.crt"),
      tlsKeyFile: join(home, "tls.key"),
      enrolmentFile: join(home, "enrolment.json"),
      joinTokenFile: null,
      renew: true,
      now: () => this.now(),
      ...change,
    });
  }

  /** Expects that the registrar refuses `machine`, as it is or as it says it is. */
  async expectRefused(
    code: string,
    nodeId: string,
    machine: Machine,
    claims: Parameters<Machine["claiming"]>[0] = {},
  ): Promise<void> {
    const home = mkdtempSync(join(machine.home, "agent-"));
    const attempt = this.enrol(nodeId, home, { tpm: machine.claiming(claims) });
    await expect(attempt).rejects.toMatchObject({ refusal: { code } });
  }

  /** What an operator does with the command, on the same database. */
  order(order: Order): string | null {
    const store = new Store(join(this.#home, "registrar.db"));
    try {
      return administrate({ store, actor: "operator", now: this.now, random: randomBytes }, order);
    } finally {
      store.close();
    }
  }

  /** What the verifier is told of a node; null when the registrar knows none. */
  async registration(nodeId: string): Promise<Registration | null> {
    const read = (name: string): string => readFileSync(join(this.#home, "ca", name), "utf8");
    const own = { cert: read("verifier.crt"), key: read("verifier.key"), ca: read("ca.crt") };
    const [status, text] = await new Promise<[number, string]>((resolve, reject) => {
      const url = `${this.#url}/v1/nodes/${nodeId}`;
      const call = request(url, { ...own, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve([response.statusCode ?? 0, Buffer.concat(chunks).toString("utf8")]),
        );
      });
      call.on("error", reject);
      call.end();
    });
    return status === 404 ? null : decodeRegistration(JSON.parse(text));
  }

  /** First half of an enrolment, by hand. */
  async begin(machine: Machine, nodeId: string, tlsKey: KeyObject): Promise<EnrolChallenge> {
    const start = encodeEnrolStart({
      nodeId,
      ...machine.identity(),
      tlsKey: spkiOf(tlsKey),
      joinToken: null,
      previousCertificate: null,
    });
    return decodeEnrolChallenge(await this.#client().post("/v1/enrol/start", jsonBody(start)));
  }

  /** Second half, by hand. */
  end(enrolmentId: string, credential: Uint8Array, tlsKey: KeyObject): Promise<unknown> {
    const finish = encodeEnrolFinish({
      enrolmentId,
      proof: enrolmentProof(credential, spkiOf(tlsKey)),
      possession: sign("sha256", Buffer.from(enrolmentId), tlsKey),
    });
    return this.#client().post("/v1/enrol/finish", jsonBody(finish));
  }

  #client(): HttpsClient {
    return createHttpsClient({
      url: this.#url,
      ca: readFileSync(join(this.#home, "ca/ca.crt"), "utf8"),
      role: "registrar",
      own: null,
      timeoutMs: 30_000,
      maxAnswerBytes: 65_536,
    });
  }
}

function spkiOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}
