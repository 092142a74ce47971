// SPDX-License-Identifier: Apache-2.0

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type RequestOptions, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  decodeEnrolChallenge,
  type EnrolChallenge,
  type EnrolFinish,
  type EnrolStart,
  encodeEnrolFinish,
  encodeEnrolStart,
} from "@nsattest/protocol";
import { initAuthority } from "@nsattest/registrar";
import { vi } from "vitest";
import { administrate, type Order } from "../../registrar/src/administration.ts";
import { loadAuthority } from "../../registrar/src/ca/load.ts";
import type { WaysIn } from "../../registrar/src/enrol/admission.ts";
import { PendingEnrolments } from "../../registrar/src/enrol/pending-enrolments.ts";
import { tlsPeer } from "../../registrar/src/peer.ts";
import { buildServer } from "../../registrar/src/server.ts";
import { Store } from "../../registrar/src/store/store.ts";
import type { FakeNode } from "../../registrar/test/fake-node.ts";
import { FakeVendors, type Vendor } from "../../registrar/test/fake-vendor.ts";
import type { Answer, Identity } from "./verifier-bench.ts";

/** A registrar behind real TLS on loopback, with a TPM vendor that it trusts, and a clock that a test moves. */
export class RegistrarBench {
  now: Date = new Date();
  readonly vendors: FakeVendors;
  /** Whose word on an EK is taken. */
  readonly root: Vendor;
  /** PEM of the authority. */
  readonly ca: string;
  readonly #folder: string;
  /** What the registrar remembers, for what operators do. */
  readonly store: Store;
  /** Ways in; a test opens others. */
  ways: WaysIn;
  readonly #server: ReturnType<typeof buildServer>;

  private constructor(
    folder: string,
    authority: Awaited<ReturnType<typeof loadAuthority>>,
    roots: (root: Vendor) => readonly Vendor[],
  ) {
    this.#folder = folder;
    this.ca = authority.ca.certificate;
    this.vendors = new FakeVendors(this.now);
    this.root = this.vendors.root("Vendor");
    this.store = new Store(":memory:");
    this.ways = {
      ekCertificate: { roots: roots(this.root).map(({ x509 }) => x509), intermediates: [] },
      ekHash: false,
      joinToken: false,
    };
    this.#server = buildServer({
      desk: {
        ways: () => this.ways,
        certificateHours: 24,
        pending: new PendingEnrolments(),
        store: this.store,
        ca: authority.ca,
        now: () => this.now,
        random: randomBytes,
      },
      own: authority.server,
      log: () => undefined,
      peerOf: tlsPeer,
    });
  }

  /** @param roots whom the registrar trusts, of the bench's one vendor */
  static async start(
    roots: (root: Vendor) => readonly Vendor[] = (root) => [root],
  ): Promise<RegistrarBench> {
    const folder = mkdtempSync(join(tmpdir(), "nsattest-registrar-"));
    await initAuthority(join(folder, "ca"), { hosts: ["127.0.0.1"], now: new Date() });
    const authority = await loadAuthority(join(folder, "ca"), new Date());
    const bench = new RegistrarBench(folder, authority, roots);
    await bench.#server.listen({ host: "127.0.0.1", port: 0 });
    return bench;
  }

  async stop(): Promise<void> {
    await this.#server.close();
    this.store.close();
    rmSync(this.#folder, { recursive: true });
  }

  serviceIdentity(name: "operator" | "verifier"): Identity {
    const read = (suffix: string): string =>
      readFileSync(join(this.#folder, "ca", `${name}.${suffix}`), "utf8");
    return { cert: read("crt"), key: read("key") };
  }

  /** Sends one request; a node that enrols has no certificate. */
  send(
    path: string,
    { as, body }: { readonly as?: Identity; readonly body?: string } = {},
  ): Promise<Answer> {
    const { port } = this.#server.server.address() as AddressInfo;
    const settings: RequestOptions = {
      ...{ host: "127.0.0.1", port, path, ca: this.ca, agent: false, ...as },
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? {} : { "content-type": "application/json" },
    };
    return new Promise((resolve, reject) => {
      const call = request(settings, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
          const { error } = parsed as { error?: { code?: string } };
          resolve({ status: response.statusCode ?? 0, body: parsed, code: error?.code });
        });
      });
      call.on("error", reject);
      call.end(body);
    });
  }

  start(node: FakeNode, change: Partial<EnrolStart> = {}): Promise<Answer> {
    const body = JSON.stringify(encodeEnrolStart({ ...node.start(), ...change }));
    return this.send("/v1/enrol/start", { body });
  }

  finish(message: EnrolFinish): Promise<Answer> {
    return this.send("/v1/enrol/finish", { body: JSON.stringify(encodeEnrolFinish(message)) });
  }

  /** A start that is answered. */
  async challenge(node: FakeNode, change: Partial<EnrolStart> = {}): Promise<EnrolChallenge> {
    const answer = await this.start(node, change);
    if (answer.status !== 200) throw new Error(`start: ${JSON.stringify(answer.body)}`);
    return decodeEnrolChallenge(answer.body);
  }

  async enrol(node: FakeNode, change: Partial<EnrolStart> = {}): Promise<Answer> {
    return this.finish(node.finish(await this.challenge(node, change)));
  }

  /** What an operator does. */
  order(order: Order): string | null {
    const now = (): Date => this.now;
    return administrate({ store: this.store, actor: "operator", now, random: randomBytes }, order);
  }

  /** What the verifier is told of a node. */
  registration(id: string): Promise<Answer> {
    return this.send(`/v1/nodes/${id}`, { as: this.serviceIdentity("verifier") });
  }
}

// RSA keys take seconds to make on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
