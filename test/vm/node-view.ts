// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Testbed } from "@nsattest/lab";
import type { NamespaceReport, NodeReport, Tier } from "@nsattest/protocol";
import { createVerifierClient, type VerifierClient } from "../../cli/src/verifier-client.ts";

const POLL_MS = 200;
const DEADLINE_MS = 90_000;

/** The tiers of one answer of the verifier. */
export interface Sighting {
  readonly host: Tier;
  /** By container id. */
  readonly containers: ReadonlyMap<string, Tier>;
}

/** What the verifier's API says of the testbed's node. Every answer is kept, so that a test can look back on all of them. */
export class NodeView {
  readonly sightings: Sighting[] = [];
  readonly #verifier: VerifierClient;
  readonly #node: string;

  private constructor(verifier: VerifierClient, node: string) {
    this.#verifier = verifier;
    this.#node = node;
  }

  /** Waits until the node's host is affirming for the first time. */
  static async of({ services }: Testbed): Promise<NodeView> {
    const { url, caFile, certificateFile, keyFile } = services.operatorAccess();
    const [ca, certificate, key] = await Promise.all(
      [caFile, certificateFile, keyFile].map((file) => readFile(file, "utf8")),
    );
    if (ca === undefined || certificate === undefined || key === undefined) throw new Error();
    const verifier = createVerifierClient({ url, ca, certificate, key });
    const node = await poll("no node is affirming", DEADLINE_MS, async () => {
      const [first] = await verifier.nodes();
      return first?.host === "affirming" ? first.id : undefined;
    });
    return new NodeView(verifier, node);
  }

  /** Ids of all nodes that the verifier knows. */
  async ids(): Promise<readonly string[]> {
    return (await this.#verifier.nodes()).map(({ id }) => id);
  }

  async report(): Promise<NodeReport> {
    const report = await this.#verifier.node(this.#node);
    this.sightings.push({
      host: report.node.host.tier,
      containers: new Map(
        report.namespaces.map(({ id, verdict }) => [containerOf(id), verdict.tier]),
      ),
    });
    return report;
  }

  /**
   * The report after two more rounds: evidence that is being made now may be the first of them, so the second covers everything that was
   * done before the call. An answer that does not come, as of a verifier that is down, is waited for.
   */
  async settled(deadlineMs: number = DEADLINE_MS): Promise<NodeReport> {
    const rounds = new Set<string>();
    return this.until(
      "there were no two rounds of evidence",
      ({ node }) => rounds.add(node.host.validUntil).size > 2,
      deadlineMs,
    );
  }

  /** The first report that `accept` takes. */
  until(
    failure: string,
    accept: (report: NodeReport) => boolean,
    deadlineMs: number = DEADLINE_MS,
  ): Promise<NodeReport> {
    return poll(failure, deadlineMs, async () => {
      const report = await this.report();
      return accept(report) ? report : undefined;
    });
  }
}

/** The only namespace of a container. */
export function namespaceOf(report: NodeReport, container: string): NamespaceReport {
  const [found, ...more] = report.namespaces.filter(({ id }) => containerOf(id) === container);
  if (found === undefined || more.length > 0)
    throw new Error(`${container} has ${more.length + (found ? 1 : 0)} namespaces`);
  return found;
}

function containerOf(id: string): string {
  return id.slice(0, id.lastIndexOf("/"));
}

async function poll<T>(
  failure: string,
  deadlineMs: number,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = AbortSignal.timeout(deadlineMs);
  let last: unknown = "";
  for (;;) {
    const found = await look().catch((error: unknown) => {
      last = error;
      return undefined;
    });
    if (found !== undefined) return found;
    if (deadline.aborted) throw new Error(`${failure} within ${deadlineMs} ms; ${last}`);
    await setTimeout(POLL_MS);
  }
}
