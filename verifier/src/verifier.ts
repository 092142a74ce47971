// SPDX-License-Identifier: Apache-2.0

import { HOST, joinedNamespaces, NsImaError } from "@nsattest/ns-ima";
import {
  type Challenge,
  type ChallengeRequest,
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
import { bootReferenceOf, listPinsOf, type PolicySet } from "./policy/policy-set.ts";
import { quotedSelection } from "./quote/check-quote.ts";
import type { Registrar } from "./registrar-client.ts";
import { nothingReplayed } from "./replay/replay-evidence.ts";
import { nodeBundle } from "./result/bundle.ts";
import { explain } from "./result/explanation.ts";
import { nodeReport } from "./result/node-report.ts";
import { sinceReader } from "./result/since.ts";
import type { NodeRecord, Store } from "./store/store.ts";
import { conditionOf, type Reading, readStanding } from "./verdict/condition.ts";
import { type Decided, saysTheSame } from "./verdict/decide.ts";
import { withEkLimit } from "./verdict/ek-limit.ts";
import { NEVER_ATTESTED, type Standing, standingOf, standingRefused } from "./verdict/standing.ts";

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

/** After so long the registrar is asked again for a node that is known. */
const ASK_AGAIN_MS = 3_600_000;

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
  /** When the registrar was last asked for a node, in milliseconds since the epoch. */
  readonly #asked = new Map<string, number>();
  /** What the stored standing of a node says, where it is that of its state: it need not be written again. */
  readonly #shown = new Map<string, Decided>();

  constructor(deps: VerifierDeps) {
    this.#deps = deps;
    this.#states = new NodeStates(deps);
    deps.store.savePolicy(deps.policies.version, deps.policies.documents);
  }

  /**
   * Gives a node a nonce and says where its next evidence has to begin. The boot id is a claim: a false one makes the
   * evidence fail. A claim of another boot than the known one takes the node's trust away until the node has proven
   * either, and the nonces given out before it: what was quoted before a restart does not count after it.
   *
   * @throws VerifierError `NODE_UNKNOWN`, `REGISTRAR_UNAVAILABLE`
   */
  async challenge(id: string, { bootId }: ChallengeRequest): Promise<Challenge> {
    const { store, challenges, policies, log } = this.#deps;
    const node = await this.#pinnedNode(id);
    const { boot, replayed, provenBoot } = this.#states.of(node);
    const now = this.#deps.now().getTime();
    const isOtherBoot = boot !== null && boot.bootId !== bootId;
    if (isOtherBoot && node.claimedBoot !== bootId) {
      challenges.forget(id);
      log("node-rebooted", { node: id, known: boot.bootId, claimed: bootId });
    }
    store.meet(id, now, isOtherBoot ? bootId : node.claimedBoot);
    const pins = listPinsOf(policies);
    const goesOn = boot?.bootId === bootId && replayed.list.pins.id === pins.id;
    const expectsBoot = bootReferenceOf(policies, id) !== null;
    const known = goesOn ? replayed : nothingReplayed(pins);
    const { nonce, deadline } = challenges.issue(id, now);
    return {
      nonce,
      listOffset: known.list.bytes,
      logOffset: known.log.batches,
      ...quotedSelection(pins, expectsBoot),
      bootLog: expectsBoot && !(goesOn && provenBoot !== null),
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
    const { challenges, policies, pendingSeconds } = this.#deps;
    const evidence = decodeEvidence(body);
    const now = this.#deps.now();
    challenges.redeem(id, evidence.nonce, now.getTime());
    const node = this.#knownNode(id);
    const past = this.#states.of(node);
    let appraisal: Appraisal;
    try {
      const { akPublic } = node;
      appraisal = appraise(past, evidence, {
        node: id,
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
    this.#accept(node, evidence, past, appraisal, now);
    return { accepted: true, answer: this.#answer(appraisal) };
  }

  /** Every node that was ever challenged. */
  summaries(): readonly NodeSummary[] {
    return this.#deps.store.listNodes().map((node) => {
      const { condition, host } = this.#read(node);
      return { id: node.id, host: host.tier, condition, validUntil: host.validUntil };
    });
  }

  /** @throws VerifierError `NODE_UNKNOWN` */
  report(id: string): NodeReport {
    const node = this.#knownNode(id);
    const ekChained = node.ekChained === 1;
    return nodeReport(id, this.#states.of(node), this.#read(node), ekChained);
  }

  #accept(
    node: NodeRecord,
    evidence: Evidence,
    past: NodeState,
    appraisal: Appraisal,
    now: Date,
  ): void {
    const { store, policies, validSeconds } = this.#deps;
    const { id } = node;
    const { state, decisions, beginsAnew, hasNews } = appraisal;
    const shown = this.#shown.get(id);
    const isShown = shown !== undefined && saysTheSame(shown, decisions);
    const isQuiet =
      isShown && conditionOf({ accepted: true }, node, now, validSeconds) === "attested";
    const standing =
      isQuiet && !hasNews ? null : standingOf(decisions, joinedNamespaces(state.join));
    const text = standing === null ? "" : JSON.stringify(standing);
    const received = now.getTime();
    store.commit({
      node: id,
      received,
      validUntil: this.#validUntil(now),
      accepted: true,
      ...(!isShown && { standing: text }),
      ...(hasNews && {
        round: {
          received,
          policy: policies.version,
          evidence: encodeEvidence(provenPart(evidence, past, appraisal)),
          standing: text,
        },
      }),
      ...(beginsAnew && { newBoot: evidence.bootId }),
    });
    this.#states.set(id, state);
    this.#shown.set(id, decisions);
    this.#otherKey.delete(id);
    if (!isQuiet && standing !== null) this.#audit(node, standing, now);
  }

  /**
   * Why the host or a namespace stands as it does now.
   *
   * @throws VerifierError `NODE_UNKNOWN`, `NAMESPACE_UNKNOWN`
   */
  explanation(id: string, namespace: string): Explanation {
    const { store, policies } = this.#deps;
    const node = this.#knownNode(id);
    const { join, decided } = this.#states.of(node);
    const { host, namespaces } = this.#read(node);
    const verdict = namespace === HOST ? host : namespaces[namespace];
    if (!verdict) throw new VerifierError("NAMESPACE_UNKNOWN", "the node has no such namespace");
    return explain({
      node: id,
      namespace,
      join,
      image: decided.judgement.namespaces.get(namespace)?.image ?? null,
      verdict,
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
    { join }: NodeState,
    reason: Reason,
    quoteVerified: boolean,
    now: Date,
  ): void {
    const { store, log, policies } = this.#deps;
    const { id } = node;
    const namespaces = joinedNamespaces(join).filter((ns) => ns !== HOST);
    const standing = standingRefused(reason, namespaces, quoteVerified, policies.version);
    store.commit({
      node: id,
      received: now.getTime(),
      validUntil: this.#validUntil(now),
      accepted: false,
      standing: JSON.stringify(standing),
    });
    this.#shown.delete(id);
    if (reason.code === "QUOTE_SIGNATURE") this.#otherKey.add(id);
    log("evidence-refused", { node: id, code: reason.code, detail: reason.detail });
    this.#audit(node, standing, now);
  }

  /** What is to be said of the node at `now`. */
  #read(node: NodeRecord, now: Date = this.#deps.now()): Reading {
    const standing = withEkLimit(standingIn(node), node.ekChained === 1);
    return readStanding(standing, node, now, this.#deps.validSeconds);
  }

  #audit(node: NodeRecord, after: Standing, now: Date): void {
    const shown = withEkLimit(after, node.ekChained === 1);
    auditChanges(this.#deps.log, node.id, this.#read(node, now), shown);
  }

  #answer({ state, decisions }: Appraisal): EvidenceAnswer {
    return {
      host: decisions.host.tier,
      namespaces: joinedNamespaces(state.join).filter((id) => id !== HOST).length,
      nextIntervalSeconds: this.#deps.intervalSeconds,
    };
  }

  #validUntil(now: Date): number {
    return now.getTime() + this.#deps.validSeconds * 1000;
  }

  #knownNode(id: string): NodeRecord {
    const node = this.#deps.store.findNode(id);
    if (!node) throw new VerifierError("NODE_UNKNOWN", "this verifier does not know the node");
    return node;
  }

  /**
   * The node with its key pinned: from the registrar when it is new, when its quotes are by another key, and once in a
   * while, for who vouches for its TPM may have changed, or the id may be another TPM's now.
   */
  async #pinnedNode(id: string): Promise<NodeRecord> {
    const { store, registrar, log, now } = this.#deps;
    const pinned = store.findNode(id);
    if (pinned && !this.#otherKey.has(id) && !this.#isDue(id)) return pinned;
    this.#asked.set(id, now().getTime());
    const registered = await registrar.findNode(id).catch((error: unknown) => {
      if (pinned) return pinned;
      throw error;
    });
    if (!registered)
      throw new VerifierError("NODE_UNKNOWN", "the registrar does not know the node");
    // Looked up again: another challenge of the node may have pinned it meanwhile.
    const { akPublic } = store.findNode(id) ?? {};
    const ekChained = Boolean(registered.ekChained);
    if (!akPublic || Buffer.compare(akPublic, registered.akPublic) !== 0) {
      store.pin(id, registered.akPublic, ekChained, now().getTime());
      this.#states.forget(id);
      this.#shown.delete(id);
      log("node-pinned", { node: id });
    } else store.setEkChained(id, ekChained);
    return this.#knownNode(id);
  }

  /** Whether it is time to ask the registrar again; a restart of ours begins the time anew. */
  #isDue(id: string): boolean {
    const now = this.#deps.now().getTime();
    const asked = this.#asked.get(id) ?? now;
    this.#asked.set(id, asked);
    return now - asked >= ASK_AGAIN_MS;
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

/** The part of the evidence that is to be kept: what is pending comes again, and a boot log that says nothing new is none. */
function provenPart(
  evidence: Evidence,
  past: NodeState,
  { state, beginsAnew }: Appraisal,
): Evidence {
  const before = beginsAnew ? 0 : past.replayed.list.bytes;
  const proven = state.replayed.list.bytes - before;
  const isKnownBoot = state.provenBoot === (beginsAnew ? null : past.provenBoot);
  const bootLog = isKnownBoot ? null : evidence.bootLog;
  return { ...evidence, list: evidence.list.subarray(0, proven), bootLog };
}

function standingIn({ standing }: Pick<NodeRecord, "standing">): Standing {
  return standing === null ? NEVER_ATTESTED : (JSON.parse(standing) as Standing);
}
