// SPDX-License-Identifier: Apache-2.0

import { isNodeId } from "@nsattest/protocol";
import { joinTokenHash } from "./enrol/admission.ts";
import { RegistrarError } from "./error.ts";
import type { Administration, Store } from "./store/store.ts";

/** What an operator may want of the registrar's database. */
export type Order =
  /** Lets a TPM in by the hash of its EK, under one id or any. */
  | { readonly action: "ek-add"; readonly ekHash: string; readonly node: string | null }
  /** Takes that back, or an approval: the TPM does not enrol again. */
  | { readonly action: "ek-remove"; readonly ekHash: string }
  | { readonly action: "token-create"; readonly hours: number }
  /** Lets in who came with a token. */
  | { readonly action: "node-approve"; readonly ekHash: string; readonly node: string }
  /** Binds a node id to another TPM, or to the same one after two machines were seen behind it. */
  | { readonly action: "node-replace"; readonly ekHash: string; readonly node: string };

export interface Administrator {
  readonly store: Store;
  /** Who does it, for the audit trail. */
  readonly actor: string;
  readonly now: () => Date;
  /** Unpredictable bytes: a token is as good as they are. */
  readonly random: (size: number) => Uint8Array;
}

const TOKEN_BYTES = 32;
const HOUR_MS = 3_600_000;
const EK_HASH = /^[0-9a-f]{64}$/;

/**
 * Does what an operator wants and writes it down, both or neither. Returns what the operator has to be told: the token,
 * or null.
 *
 * @throws RegistrarError `SUBJECT_INVALID`, `SUBJECT_UNKNOWN`, `STORE_FAILED`
 */
export function administrate(administrator: Administrator, order: Order): string | null {
  const { store, actor, now } = administrator;
  const time = now();
  checkSubjects(order);
  const { action, ...rest } = order;
  if (order.action === "token-create") {
    const token = Buffer.from(administrator.random(TOKEN_BYTES)).toString("base64url");
    const hash = joinTokenHash(token);
    const expiresAt = new Date(time.getTime() + order.hours * HOUR_MS);
    // The token itself is nowhere but with the operator.
    const detail = JSON.stringify({ ...rest, hash });
    store.administrate({ time, actor, action, detail }, (change) =>
      change.addToken({ hash, expiresAt }),
    );
    return token;
  }
  const entry = { time, actor, action, detail: JSON.stringify(rest) };
  const waiting = store.waiting();
  store.administrate(entry, (change) => {
    if (order.action === "node-approve") {
      const isWaiting = waiting.some(
        ({ ekHash, nodeId }) => ekHash === order.ekHash && nodeId === order.node,
      );
      if (!isWaiting) throw unknown(`${order.node} with EK ${order.ekHash} does not wait`);
      change.admit({ ekHash: order.ekHash, admittedBy: "join-token", nodeId: order.node });
    } else carryOut(change, order);
  });
  return null;
}

function carryOut(
  change: Administration,
  order: Exclude<Order, { action: "token-create" | "node-approve" }>,
): void {
  const { ekHash } = order;
  switch (order.action) {
    case "ek-add":
      change.admit({ ekHash, admittedBy: "ek-hash", nodeId: order.node });
      return;
    case "ek-remove":
      if (!change.dismiss(ekHash)) throw unknown(`EK ${ekHash} was not let in by an operator`);
      return;
    case "node-replace":
      if (!change.bind(order.node, ekHash)) throw unknown(`no node ${order.node} has enrolled`);
  }
}

function checkSubjects(order: Order): void {
  if ("ekHash" in order && !EK_HASH.test(order.ekHash)) {
    throw new RegistrarError("SUBJECT_INVALID", "an EK hash has 64 lower-case hexadecimal digits");
  }
  if ("node" in order && order.node !== null && !isNodeId(order.node)) {
    throw new RegistrarError("SUBJECT_INVALID", `${JSON.stringify(order.node)} is no node id`);
  }
}

function unknown(message: string): RegistrarError {
  return new RegistrarError("SUBJECT_UNKNOWN", message);
}
