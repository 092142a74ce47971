// SPDX-License-Identifier: Apache-2.0

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type RequestOptions, request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Challenge,
  decodeChallenge,
  decodeNodeReport,
  type Evidence,
  encodeEvidence,
  type NamespaceReport,
  type NodeReport,
} from "@nsattest/protocol";
import { initAuthority } from "@nsattest/registrar";
import {
  buildServer,
  ChallengeBook,
  jsonLog,
  type PolicySet,
  parsePolicySet,
  Store,
  tlsPeer,
  Verifier,
  VerifierError,
} from "@nsattest/verifier";
import { expect, vi } from "vitest";
import { signCertificate } from "../../registrar/src/ca/certificate.ts";
import { loadAuthority } from "../../registrar/src/ca/load.ts";
import { issueNodeCertificate } from "../../registrar/src/ca/node-certificate.ts";
import { contentDigest, FakeNode, IMA_POLICY, IMAGE, INIT, MONITOR, RUNC } from "./fake-node.ts";

/** A client certificate with its key, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Answer {
  readonly status: number;
  /** Parsed JSON. */
  readonly body: unknown;
  /** Code of an error, else undefined. */
  readonly code: string | undefined;
}

export interface BenchOptions {
  /** Changed or further policy documents, by file name; undefined takes one away. */
  readonly policies?: Readonly<Record<string, unknown>>;
}

export const INTERVAL_SECONDS = 10;
export const VALID_SECONDS = 60;
export const PENDING_SECONDS = 120;

/** What containers of the fake node may run. */
export const BUSYBOX = { path: "/bin/busybox", content: "busybox" };
export const TOOL = { path: "/bin/listed tool", content: "tool" };

/** The policy documents of a bench, as a folder of files would hold them. */
export function policyDocuments(changes: BenchOptions["policies"] = {}): Map<string, string> {
  const documents: Record<string, unknown> = {
    "node-policy.json": {
      imaPolicy: { path: IMA_POLICY.path, digest: digestText(IMA_POLICY.content) },
      runtimes: [digestText(RUNC.content)],
      programs: [MONITOR.path],
      runtimePolicy: "host.json",
    },
    "host.json": runtimePolicy([INIT, MONITOR], ["/tmp/"]),
    "namespace-policies.json": { policies: [{ image: IMAGE, runtimePolicy: "busybox.json" }] },
    "busybox.json": runtimePolicy([BUSYBOX, TOOL]),
    ...changes,
  };
  return new Map(
    Object.entries(documents).flatMap(([name, document]) =>
      document === undefined ? [] : [[name, textOf(document)] as const],
    ),
  );
}

/** A text is one already: PEM, or what is no JSON. */
function textOf(document: unknown): string {
  return typeof document === "string" ? document : JSON.stringify(document);
}

/** A Keylime runtime policy that allows `files`. */
export function runtimePolicy(
  files: readonly { readonly path: string; readonly content: string }[],
  excludes: readonly string[] = [],
): object {
  const digests = files.map(({ path, content }) => [path, [digestText(content).slice(7)]]);
  return { meta: { version: 1 }, digests: Object.fromEntries(digests), excludes };
}

export function digestText(content: string): string {
  return `sha256:${Buffer.from(contentDigest(content).value).toString("hex")}`;
}

/** A verifier behind real mutual TLS on loopback, a registrar's word for its nodes, and a clock that a test moves. */
export class VerifierBench {
  /** Whether the registrar says that vendors vouch for the TPMs of its nodes. */
  ekChained = true;
  now: Date = new Date();
  /** The nodes that the registrar knows. */
  readonly nodes: Map<string, FakeNode> = new Map();
  readonly audit: Record<string, unknown>[] = [];
  /** False: the registrar does not answer. */
  registrarUp = true;
  /** PEM of the authority. */
  readonly ca: string;
  readonly #folder: string;
  readonly #authority: Awaited<ReturnType<typeof loadAuthority>>;
  #policies: PolicySet;
  #running: { store: Store; server: ReturnType<typeof buildServer>; port: number } | null = null;

  private constructor(
    folder: string,
    authority: Awaited<ReturnType<typeof loadAuthority>>,
    policies: PolicySet,
  ) {
    this.#folder = folder;
    this.ca = authority.ca.certificate;
    this.#authority = authority;
    this.#policies = policies;
  }

  static async start({ policies = {} }: BenchOptions = {}): Promise<VerifierBench> {
    const folder = mkdtempSync(join(tmpdir(), "nsattest-bench-"));
    const ca = join(folder, "ca");
    await initAuthority(ca, { hosts: ["127.0.0.1"], now: new Date() });
    const authority = await loadAuthority(ca, new Date());
    const bench = new VerifierBench(folder, authority, parsePolicySet(policyDocuments(policies)));
    await bench.#listen();
    return bench;
  }

  /** Ends the verifier and starts it again on its database, perhaps with other policies. */
  async restart({ policies }: BenchOptions = {}): Promise<void> {
    await this.#close();
    if (policies) this.#policies = parsePolicySet(policyDocuments(policies));
    await this.#listen();
  }

  async stop(): Promise<void> {
    await this.#close();
    rmSync(this.#folder, { recursive: true });
  }

  /** The verifier's database; it is the same after a restart. */
  get database(): string {
    return join(this.#folder, "verifier.db");
  }

  get address(): { readonly host: string; readonly port: number } {
    if (!this.#running) throw new Error("the verifier is not running");
    return { host: "127.0.0.1", port: this.#running.port };
  }

  /** A node that the registrar vouches for, booted. */
  newNode(): FakeNode {
    const node = new FakeNode();
    this.nodes.set(node.id, node);
    node.boot();
    return node;
  }

  advance(seconds: number): void {
    this.now = new Date(this.now.getTime() + seconds * 1000);
  }

  /** The certificate of a node, made once. */
  identityOf(id: string): Identity {
    const known = identities.get(id);
    if (known) return known;
    const { publicKey } = tlsKeyPair;
    const spki = publicKey.export({ type: "spki", format: "der" });
    const cert = issueNodeCertificate(this.#authority.ca, {
      nodeId: id,
      spki,
      now: new Date(),
      hours: 24,
    });
    const identity = { cert, key: tlsKey() };
    identities.set(id, identity);
    return identity;
  }

  /** A client certificate by the authority with any names, which it would not give to anybody. */
  certify(uris: readonly string[]): Identity {
    const content = { ...CLIENT, commonName: "nsattest", publicKey: tlsKeyPair.publicKey, uris };
    return {
      cert: signCertificate({ ...content, ...lifetime() }, this.#authority.ca),
      key: tlsKey(),
    };
  }

  serviceIdentity(name: "operator" | "verifier" | "registrar"): Identity {
    const read = (suffix: string): string =>
      readFileSync(join(this.#folder, "ca", `${name}.${suffix}`), "utf8");
    return { cert: read("crt"), key: read("key") };
  }

  /** Sends one request. Without an identity, without a certificate. */
  send(
    path: string,
    options: {
      readonly as?: Identity | undefined;
      readonly type?: string;
      readonly body?: Uint8Array | string;
      readonly method?: string;
    } = {},
  ): Promise<Answer> {
    const { as, type, body, method = body === undefined ? "GET" : "POST" } = options;
    const settings: RequestOptions = {
      ...this.address,
      path,
      method,
      ca: this.ca,
      ...as,
      agent: false,
      headers: type === undefined ? {} : { "content-type": type },
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

  async challenge(node: FakeNode): Promise<Challenge> {
    const answer = await this.send(`/v1/nodes/${node.id}/challenge`, {
      as: this.identityOf(node.id),
      type: "application/json",
      body: JSON.stringify({ bootId: node.bootId }),
    });
    if (answer.status !== 200) throw new Error(`challenge: ${JSON.stringify(answer.body)}`);
    return decodeChallenge(answer.body);
  }

  submit(node: FakeNode, evidence: Evidence): Promise<Answer> {
    return this.submitBytes(node, encodeEvidence(evidence));
  }

  /** Sends bytes that perhaps no encoder of ours would write. */
  submitBytes(node: FakeNode, body: Uint8Array): Promise<Answer> {
    return this.send(`/v1/nodes/${node.id}/evidence`, {
      as: this.identityOf(node.id),
      type: "application/cbor",
      body,
    });
  }

  /** One round: challenge, evidence, answer. `tamper` stands for whatever changes evidence on its way. */
  async attest(
    node: FakeNode,
    tamper: (evidence: Evidence, challenge: Challenge) => Evidence = (evidence) => evidence,
  ): Promise<Answer> {
    const challenge = await this.challenge(node);
    return this.submit(node, tamper(node.evidence(challenge), challenge));
  }

  async report(node: FakeNode): Promise<NodeReport> {
    const as = this.serviceIdentity("operator");
    const answer = await this.send(`/v1/nodes/${node.id}`, { as });
    if (answer.status !== 200) throw new Error(`report: ${JSON.stringify(answer.body)}`);
    return decodeNodeReport(answer.body);
  }

  async #listen(): Promise<void> {
    const store = Store.open(this.database);
    const log = jsonLog(
      (line) => this.audit.push(JSON.parse(line) as Record<string, unknown>),
      () => this.now,
    );
    const verifier = new Verifier({
      store,
      registrar: {
        findNode: async (id) => {
          if (!this.registrarUp) throw new VerifierError("REGISTRAR_UNAVAILABLE", "down");
          const node = this.nodes.get(id);
          return node ? { akPublic: node.registeredAk, ekChained: this.ekChained } : null;
        },
      },
      challenges: new ChallengeBook({ randomBytes, lifetimeSeconds: 60, outstandingPerNode: 4 }),
      policies: this.#policies,
      log,
      now: () => this.now,
      intervalSeconds: INTERVAL_SECONDS,
      validSeconds: VALID_SECONDS,
      pendingSeconds: PENDING_SECONDS,
    });
    const { cert, key } = this.serviceIdentity("verifier");
    const tls = { ca: this.ca, certificate: cert, key };
    const server = buildServer({ verifier, tls, log, peerOf: tlsPeer });
    await server.listen({ host: "127.0.0.1", port: 0 });
    const { port } = server.server.address() as AddressInfo;
    this.#running = { store, server, port };
  }

  async #close(): Promise<void> {
    await this.#running?.server.close();
    this.#running?.store.close();
    this.#running = null;
  }
}

// Keys and handshakes take their time on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

/** One TLS key for all nodes: what is certified is the id. */
const tlsKeyPair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const identities = new Map<string, Identity>();

const CLIENT = { authority: false, usages: ["clientAuth"], hosts: [] };

/** An operator's certificate, by an authority of its own making. */
export function strangerIdentity(): Identity {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const names = { commonName: "nsattest operator", uris: ["nsattest:operator"] };
  const content = { ...CLIENT, ...names, ...lifetime(), publicKey: privateKey };
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { cert: signCertificate(content, privateKey), key };
}

function tlsKey(): string {
  return tlsKeyPair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function lifetime(): { readonly notBefore: Date; readonly notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000) };
}

/** The namespace whose container has this name. */
export function namespaceOf(report: NodeReport, name: string): NamespaceReport {
  const found = report.namespaces.find((namespace) => namespace.name === name);
  if (!found) throw new Error(`no namespace of ${name}`);
  return found;
}

/** Codes of a verdict's reasons. */
export function codesOf(verdict: {
  readonly reasons: readonly { readonly code: string }[];
}): string[] {
  return verdict.reasons.map(({ code }) => code);
}

/** Fails unless the evidence was answered as one that proves nothing, for this reason. */
export function expectRefused(answer: Answer, code: string): void {
  expect(answer).toMatchObject({ status: 422, code });
}
