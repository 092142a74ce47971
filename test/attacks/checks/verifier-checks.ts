// SPDX-License-Identifier: Apache-2.0

import type { Checks } from "./check.ts";

const SERVER = "verifier/src/server.ts";
const VERIFIER = "verifier/src/verifier.ts";
const BOOK = "verifier/src/challenge/challenge-book.ts";
const BOOT = "verifier/src/quote/boot.ts";

/** Who may ask, what is asked, and that nothing is taken for what it is not: the verifier around its pipeline. */
export const VERIFIER_CHECKS = {
  "peer-certificate": {
    file: SERVER,
    excerpt: "rejectUnauthorized: true,",
    without: "rejectUnauthorized: false,",
    guards: "nobody without a certificate of the authority gets through the handshake",
  },
  "peer-authorized": {
    file: "verifier/src/peer.ts",
    excerpt: "if (!(socket instanceof TLSSocket) || !socket.authorized) return null;",
    without: "if (!(socket instanceof TLSSocket)) return null;",
    guards: "a certificate counts when TLS has verified it",
    tests: [
      {
        file: "test/attacks/second-line.test.ts",
        title: "gives a certificate that TLS did not verify no role",
      },
    ],
  },
  "peer-tls-version": {
    file: SERVER,
    excerpt: 'minVersion: "TLSv1.3",',
    without: 'minVersion: "TLSv1.2",',
    guards: "TLS cannot be talked down",
  },
  "peer-role": {
    file: SERVER,
    excerpt: "if (admits === undefined || peer?.role !== admits) return false;",
    without: "if (peer === null) return false;",
    guards: "a certificate opens the routes of its role",
  },
  "peer-node": {
    file: SERVER,
    excerpt: 'return peer.role !== "node" || peer.id === (params as NodeRoute["Params"]).id;',
    without: "return true;",
    guards: "a node speaks for itself",
  },
  "peer-one-role": {
    file: "protocol/src/peer-role.ts",
    excerpt: "if (roles.length === 1 && rest.length === 0) {",
    without: "if (rest.length === 0) {",
    guards: "a certificate has one role",
  },
  "peer-quoted-name": {
    file: "protocol/src/peer-role.ts",
    excerpt: "subjectAltName?.includes('\"') === false ?",
    without: "subjectAltName !== undefined ?",
    guards: "a name that contains names is not read as several",
    tests: [
      {
        file: "test/attacks/second-line.test.ts",
        title: "reads no role out of a name that is quoted",
      },
    ],
  },
  "request-size": {
    file: SERVER,
    excerpt: '{ parseAs: "buffer", bodyLimit: CHALLENGE_MAX },',
    without: '{ parseAs: "buffer", bodyLimit: 1 << 30 },',
    guards: "a request of no use is not read",
  },
  "evidence-size": {
    file: SERVER,
    excerpt: '{ parseAs: "buffer", bodyLimit: EVIDENCE_MAX },',
    without: '{ parseAs: "buffer", bodyLimit: 2 ** 40 },',
    guards: "evidence that is too large is refused by its length",
  },
  "request-type": {
    file: SERVER,
    excerpt: "server.removeAllContentTypeParsers();",
    without: "",
    guards: "a body is read as what it says it is",
  },
  "challenge-known": {
    file: BOOK,
    excerpt: "if (deadline === undefined || now > deadline) {",
    without: "if (deadline !== undefined && now > deadline) {",
    guards: "the nonce was given to this node",
  },
  "challenge-deadline": {
    file: BOOK,
    excerpt: "|| now > deadline) {",
    without: ") {",
    guards: "the nonce is young",
  },
  "challenge-once": {
    file: BOOK,
    excerpt: "nonces?.delete(keyOf(nonce));",
    without: "",
    guards: "a nonce counts once",
  },
  "challenge-node": {
    file: BOOK,
    excerpt: "const nonces = this.#outstanding.get(node);\n    const deadline",
    without:
      "const nonces = [...this.#outstanding.values()].find((all) => all.has(keyOf(nonce)));\n    const deadline",
    guards: "the nonce of one node is of no use to another",
  },
  "challenge-flood": {
    file: BOOK,
    excerpt: "nonces.delete(oldest);",
    without: "",
    guards: "a node cannot fill the memory with nonces",
  },
  "node-registered": {
    file: VERIFIER,
    excerpt:
      'if (!registered)\n      throw new VerifierError("NODE_UNKNOWN", "the registrar does not know the node");',
    without: "if (!registered) return { id, akPublic: new Uint8Array(), standing: null };",
    guards: "only nodes that the registrar knows are challenged",
  },
  "node-known": {
    file: VERIFIER,
    excerpt:
      'if (!node) throw new VerifierError("NODE_UNKNOWN", "this verifier does not know the node");',
    without: "if (!node) return { id, akPublic: new Uint8Array(), standing: null };",
    guards: "nothing is said of a node that was never challenged",
  },
  "node-registrar-down": {
    file: VERIFIER,
    excerpt: "if (pinned) return pinned;\n      throw error;",
    without: "return pinned;",
    guards: "while the registrar is silent no key is pinned",
  },
  "node-pin": {
    file: VERIFIER,
    excerpt: "if (pinned && !this.#otherKey.has(id) && !this.#isDue(id)) return pinned;",
    without: "if (pinned && !this.#isDue(id)) return pinned;",
    guards: "a key that was replaced at the registrar is given up",
  },
  "node-pin-due": {
    file: VERIFIER,
    excerpt: "return now - asked >= ASK_AGAIN_MS;",
    without: "return false;",
    guards: "a node that the registrar knows no more is given up",
    tests: [
      {
        file: "verifier/src/verifier.test.ts",
        title: "asks the registrar again once in a while, and does without it when it is down",
      },
    ],
  },
  "boot-other-key-state": {
    file: VERIFIER,
    excerpt: "this.#states.forget(id);",
    without: "",
    guards: "what one key has proven is not another key's",
  },
  "boot-restart": {
    file: BOOT,
    excerpt:
      "if (!sameId || seen.clock.resetCount !== resetCount || seen.clock.restartCount !== restartCount) {",
    without: "if (false) {",
    guards: "a boot goes on as the boot it was",
  },
  "boot-id-again": {
    file: BOOT,
    excerpt: "if (seen.clock.resetCount > resetCount && !sameId) return true;",
    without: "if (seen.clock.resetCount > resetCount || !sameId) return true;",
    guards: "a new boot has both a new id and a higher reset count",
  },
  "boot-pins": {
    file: "verifier/src/pipeline.ts",
    excerpt: "|| past.replayed.list.pins.id !== pins.id;",
    without: ";",
    guards: "what was proven with other pins is proven again",
  },
  "boot-clock": {
    file: BOOT,
    excerpt: "if (seen.clock.clock < clock) {",
    without: "if (false) {",
    guards: "time goes on within a boot",
  },
  "boot-event": {
    file: BOOT,
    excerpt: "if (event?.bootId !== bootId || event.resetCount !== clock.resetCount) {",
    without: "if (event === null) {",
    guards: "log and quote are of one boot",
  },
  "boot-event-restart": {
    file: BOOT,
    excerpt: "if (event.restartCount !== clock.restartCount) {",
    without: "if (false) {",
    guards: "the machine has not slept since its log began",
  },
  "evidence-offset": {
    file: "verifier/src/replay/replay-evidence.ts",
    excerpt: "if (listOffset !== list.bytes || logOffset !== log.batches) {",
    without: "if (false) {",
    guards: "evidence begins where the last one ended",
  },
  "evidence-proven": {
    file: "ns-ima/src/list/replay.ts",
    excerpt: "  return {\n    state: {\n      ...state,",
    without:
      '  while (reader.next()) {\n    contents.push(readContent(reader, latin1DigestOf("sha256", reader.hashed)));\n  }\n  return {\n    state: {\n      ...state,',
    guards: "records that were not extended are not taken for measured",
  },
  "refusal-standing": {
    file: VERIFIER,
    excerpt:
      "store.commit({\n      node: id,\n      received: now.getTime(),\n      validUntil: this.#validUntil(now),\n      accepted: false,\n      standing: JSON.stringify(standing),\n    });",
    without: "",
    guards: "evidence that proves nothing ends the verdict before it",
  },
  "refusal-namespaces": {
    file: "verifier/src/verdict/standing.ts",
    excerpt: "namespaces: Object.fromEntries([...namespaces].map((id) => [id, decision])),",
    without: "namespaces: {},",
    guards: "the namespaces' verdicts end with the host's",
  },
  "history-restored": {
    file: "verifier/src/node-states.ts",
    excerpt: "state = this.#restore(node);",
    without: "",
    guards: "a restart of the verifier forgets nothing",
  },
  "node-rebooted": {
    file: "verifier/src/verdict/condition.ts",
    excerpt: 'if (accepted && claimedBoot !== null) return "rebooted";',
    without: "",
    guards: "a node that says it was booted again has nothing to show for it yet",
  },
  "node-unreachable": {
    file: "verifier/src/verdict/condition.ts",
    excerpt:
      'if (at - lastContact > UNREACHABLE_VALIDITIES * validSeconds * 1000) return "unreachable";',
    without: "",
    guards: "a node of which nothing is heard is not merely late",
  },
  "verdict-expiry": {
    file: "protocol/src/verdict.ts",
    excerpt: "if (now.getTime() <= Date.parse(verdict.validUntil)) return verdict;",
    without: "if (verdict.validUntil) return verdict;",
    guards: "a verdict ends by itself",
  },
} as const satisfies Checks;
