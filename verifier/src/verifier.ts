// SPDX-License-Identifier: Apache-2.0

import { HOST, NsImaError } from "@nsattest/ns-ima";
import {
  type Challenge,
  type ChallengeRequest,
  currentVerdict,
  decodeEvidence,
  type Evidence,
  type EvidenceAnswer,
  type Explanation,
  encodeEvidence,
  type NodeReport,
  type NodeSummary,
  ProtocolError,
  type Reason,
} from "@nsattest/protocol";
import { TpmError } from "@nsattest/tpm";
import { auditChanges } from "./audit.ts";
import type { ChallengeBook } from "./challenge/challenge-book.ts";
import { VerifierError } from "./error.ts";
import type { Log } from "./log.ts";
import { NodeStates } from "./node-states.ts";
import { type Appraisal, appraise, type NodeState } from "./pipeline.ts";
import { listPinsOf, type PolicySet } from "./policy/policy-set.ts";
import { quotedSelection } from "./quote/check-quote.ts";
import type { Registrar } from "./registrar-client.ts";
import { nothingReplayed } from "./replay/replay-evidence.ts";
import { nodeBundle } from "./result/bundle.ts";
import { explain } from "./result/explanation.ts";
import { nodeReport } from "./result/node-report.ts";
import { sinceReader } from "./result/since.ts";
import type { NodeRecord, Store } from "./store/store.ts";
import { neverAttested, type Standing, standingOf, standingWithout } from "./verdict/standing.ts";

export interface VerifierDeps {
  readonly store: Store;
  readonly registrar: Registrar;
  readonly challenges: ChallengeBook;
  readonly policies: PolicySet;
  readonly log: Log;
  readonly now: () => Date;
  readonly intervalSeconds: number;
  readonly validSeconds: number;
  readonly pendingSeconds: number;
}

/** What became of evidence. */
export type Receipt =
  | { readonly accepted: true; readonly answer: EvidenceAnswer }
  | { readonly accepted: false; readonly reason: Reason };

/** Verifies nodes: gives out challenges, appraises evidence, keeps and shows the verdicts. */
export class Verifier {
  readonly #deps: VerifierDeps;
  readonly #states: NodeStates;
  /** Nodes whose last quote was not by the pinned key: perhaps the registrar knows a new one. */
  readonly #otherKey = new Set<string>();

  constructor(deps: VerifierDeps) {
    this.#deps = deps;
    this.#states = new NodeStates(deps);
    deps.store.savePolicy(deps.policies.version, deps.policies.documents);
  }

  /**
   * Gives a node a nonce and says where its next evidence has to begin. The boot id is a claim: a false one makes the
   * evidence fail, nothing else.
   *
   * @throws VerifierError `NODE_UNKNOWN`, `REGISTRAR_UNAVAILABLE`
   */
  async challenge(id: string, { bootId }: ChallengeRequest): Promise<Challenge> {
    const { boot, replayed } = this.#states.of(await this.#pinnedNode(id));
    const pins = listPinsOf(this.#deps.policies);
    const goesOn = boot?.bootId === bootId && replayed.list.pins.id === pins.id;
    const { list, log } = goesOn ? replayed : nothingReplayed(pins);
    const { nonce, deadline } = this.#deps.challenges.issue(id, this.#deps.now().getTime());
    return {
      nonce,
      listOffset: list.bytes,
      logOffset: log.batches,
      ...quotedSelection(pins),
      deadline: new Date(deadline).toISOString(),
    };
  }

  /**
   * Appraises evidence that the node itself sent. Its nonce is used up by that. Evidence that does not prove what it
   * says makes host and namespaces `none` and leaves everything else as it was.
   *
   * @throws ProtocolError for what is no evidence; VerifierError `CHALLENGE_UNKNOWN`, `EVIDENCE_OFFSET`, `NODE_UNKNOWN`.
   *   Then no verdict changes
   */
  receive(id: string, body: Uint8Array): Receipt {
    const { challenges, store, policies, pendingSeconds } = this.#deps;
    const evidence = decodeEvidence(body);
    const now = this.#deps.now();
    challenges.redeem(id, evidence.nonce, now.getTime());
    const node = this.#knownNode(id);
    const past = this.#states.of(node);
    let appraisal: Appraisal;
    try {
      const { akPublic } = node;
      appraisal = appraise(past, evidence, {
        akPublic,
        policies,
        now: now.getTime(),
        pendingSeconds,
      });
    } catch (error) {
      const reason = refusalOf(error);
      this.#refuse(node, past, reason, !(error instanceof TpmError), now);
      return { accepted: false, reason };
    }
    const standing = standingOf(appraisal.decisions, this.#validUntil(now));
    const evidenceNews = newsOf(evidence, past, appraisal);
    store.commit({
      node: id,
      standing: JSON.stringify(standing),
      ...(evidenceNews && {
        round: {
          received: now.getTime(),
          policy: policies.version,
          evidence: encodeEvidence(evidenceNews),
        },
      }),
      ...(appraisal.beginsAnew && { newBoot: evidence.bootId }),
    });
    this.#states.set(id, appraisal.state);
    this.#otherKey.delete(id);
    auditChanges(this.#deps.log, id, standingIn(node), standing, now);
    return { accepted: true, answer: this.#answer(standing) };
  }

  /** Every node that was ever challenged. */
  summaries(): readonly NodeSummary[] {
    const now = this.#deps.now();
    return this.#deps.store.listNodes().map((node) => {
      const { host } = standingIn(node) ?? neverAttested(now);
      const { tier, validUntil } = currentVerdict(host, now);
      return { id: node.id, host: tier, validUntil };
    });
  }

  /** @throws VerifierError `NODE_UNKNOWN` */
  report(id: string): NodeReport {
    const node = this.#knownNode(id);
    const now = this.#deps.now();
    return nodeReport(id, this.#states.of(node), standingIn(node) ?? neverAttested(now), now);
  }

  /**
   * Why the host or a namespace stands as it does now.
   *
   * @throws VerifierError `NODE_UNKNOWN`, `NAMESPACE_UNKNOWN`
   */
  explanation(id: string, namespace: string): Explanation {
    const { store, policies } = this.#deps;
    const node = this.#knownNode(id);
    const now = this.#deps.now();
    const { join, judgement } = this.#states.of(node);
    const standing = standingIn(node) ?? neverAttested(now);
    const verdict = namespace === HOST ? standing.host : standing.namespaces[namespace];
    if (!verdict) throw new VerifierError("NAMESPACE_UNKNOWN", "the node has no such namespace");
    return explain({
      node: id,
      namespace,
      join,
      image: judgement.namespaces.get(namespace)?.image ?? null,
      verdict: currentVerdict(verdict, now),
      policies,
      sinceOf: sinceReader(store, id, namespace),
    });
  }

  /** All that is stored of the node's present boot, as CBOR. @throws VerifierError `NODE_UNKNOWN`, `BUNDLE_TOO_LARGE` */
  bundle(id: string): Uint8Array {
    return nodeBundle(this.#deps.store, this.#knownNode(id), this.#deps.pendingSeconds);
  }

  #refuse(
    node: NodeRecord,
    { judgement }: NodeState,
    reason: Reason,
    quoteVerified: boolean,
    now: Date,
  ): void {
    const { store, log } = this.#deps;
    const namespaces = judgement.namespaces.keys();
    const standing = standingWithout(reason, namespaces, quoteVerified, this.#validUntil(now));
    store.commit({ node: node.id, standing: JSON.stringify(standing) });
    if (reason.code === "QUOTE_SIGNATURE") this.#otherKey.add(node.id);
    log("evidence-refused", { node: node.id, code: reason.code, detail: reason.detail });
    auditChanges(log, node.id, standingIn(node), standing, now);
  }

  #answer({ host, namespaces }: Standing): EvidenceAnswer {
    return {
      host: host.tier,
      namespaces: Object.keys(namespaces).length,
      nextIntervalSeconds: this.#deps.intervalSeconds,
    };
  }

  #validUntil(now: Date): Date {
    return new Date(now.getTime() + this.#deps.validSeconds * 1000);
  }

  #knownNode(id: string): NodeRecord {
    const node = this.#deps.store.findNode(id);
    if (!node) throw new VerifierError("NODE_UNKNOWN", "this verifier does not know the node");
    return node;
  }

  /** The node with its key pinned: from the registrar when it is new, or when its quotes are by another key. */
  async #pinnedNode(id: string): Promise<NodeRecord> {
    const { store, registrar, log, now } = this.#deps;
    const pinned = store.findNode(id);
    if (pinned && !this.#otherKey.has(id)) return pinned;
    const registered = await registrar.findNode(id).catch((error: unknown) => {
      if (pinned) return pinned;
      throw error;
    });
    if (!registered)
      throw new VerifierError("NODE_UNKNOWN", "the registrar does not know the node");
    // Looked up again: another challenge of the node may have pinned it meanwhile.
    const { akPublic } = store.findNode(id) ?? {};
    if (!akPublic || Buffer.compare(akPublic, registered.akPublic) !== 0) {
      store.pin(id, registered.akPublic, now().getTime());
      this.#states.forget(id);
      log("node-pinned", { node: id });
    }
    return this.#knownNode(id);
  }
}

/** The reason that a failed proof is; everything else is not about the node and goes on as an error. */
function refusalOf(error: unknown): Reason {
  const isProof =
    error instanceof TpmError ||
    error instanceof NsImaError ||
    error instanceof ProtocolError ||
    (error instanceof VerifierError && error.code !== "EVIDENCE_OFFSET");
  if (!isProof) throw error;
  return { code: error.code, detail: error.message };
}

/** The part of the evidence that is to be kept, or null when it brought nothing new: what is pending comes again. */
function newsOf(
  evidence: Evidence,
  past: NodeState,
  { state, beginsAnew }: Appraisal,
): Evidence | null {
  const before = beginsAnew ? 0 : past.replayed.list.bytes;
  const proven = state.replayed.list.bytes - before;
  if (!beginsAnew && proven === 0 && evidence.batches.length === 0) return null;
  return { ...evidence, list: evidence.list.subarray(0, proven) };
}

function standingIn({ standing }: Pick<NodeRecord, "standing">): Standing | null {
  return standing === null ? null : (JSON.parse(standing) as Standing);
}
