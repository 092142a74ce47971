// SPDX-License-Identifier: Apache-2.0

import type { AdmittedBy } from "@nsattest/protocol";
import Database from "better-sqlite3";
import { RegistrarError } from "../error.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";

/** What an operator may change. Those that return false have found nothing to change. */
export interface Administration {
  /** Lets an EK in, under other conditions if it was let in before. */
  readonly admit: (admission: Admission) => void;
  readonly dismiss: (ekHash: string) => boolean;
  readonly addToken: (token: Pick<JoinToken, "hash" | "expiresAt">) => void;
  /** Binds a node id that is known to this EK. */
  readonly bind: (nodeId: string, ekHash: string) => boolean;
}

/** A node as it enrolled last. */
export interface EnrolledNode {
  readonly id: string;
  /** Lower-case hex of the SHA-256 of the EK (SubjectPublicKeyInfo, DER). */
  readonly ekHash: string;
  readonly admittedBy: AdmittedBy;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
  readonly enrolledAt: Date;
}

/** One finished enrolment. */
export interface Enrolment extends EnrolledNode {
  /** DER; null where nobody looked at one. */
  readonly ekCertificate: Uint8Array | null;
  /** PEM of what was issued. */
  readonly tlsCertificate: string;
  /** SHA-256 of it (DER, lower-case hex). */
  readonly certificateHash: string;
  /** The same of what the node had before, or null, by its own word. */
  readonly previousHash: string | null;
}

/** A TPM that an operator has let in. */
export interface Admission {
  readonly ekHash: string;
  readonly admittedBy: "ek-hash" | "join-token";
  /** The only id it may have, or null for any. */
  readonly nodeId: string | null;
}

/** What was given out, by the SHA-256 of the token (lower-case hex), and who came with it. */
export interface JoinToken {
  readonly hash: string;
  readonly expiresAt: Date;
  readonly ekHash: string | null;
  readonly nodeId: string | null;
}

/** Who did what, in the operator's place. */
export interface AuditEntry {
  readonly time: Date;
  readonly actor: string;
  readonly action: string;
  /** JSON. */
  readonly detail: string;
}

interface EnrolmentRow {
  readonly id: string;
  readonly ek_hash: string;
  readonly admitted_by: AdmittedBy;
  readonly ak_public: Uint8Array;
  readonly enrolled_at: string;
}

/**
 * What the registrar remembers. Every method throws RegistrarError `STORE_FAILED` when the database does.
 */
export class Store {
  readonly #database: Database.Database;

  /** Opens or makes the database in `file`. */
  constructor(file: string) {
    this.#database = guarded(() => open(file));
  }

  /** Hash of the EK to which a node id belongs, or null when nobody has enrolled under it. */
  ekHashOf(nodeId: string): string | null {
    return guarded(() => {
      const row = this.#database
        .prepare<[string], { ek_hash: string }>("SELECT ek_hash FROM node WHERE id = ?")
        .get(nodeId);
      return row?.ek_hash ?? null;
    });
  }

  /**
   * Adds an enrolment; the first one under an id binds the id to its EK.
   *
   * @throws RegistrarError `NODE_ID_TAKEN` when the id is another EK's; `NODE_CLONED` when two machines renew its
   *   certificates, and from then on until an operator binds the id anew
   */
  enrol(enrolment: Enrolment): void {
    const isOne = guarded(() =>
      this.#database.transaction(() => this.#enrol(enrolment)).immediate(),
    );
    if (!isOne) {
      throw new RegistrarError("NODE_CLONED", `${enrolment.id} renews from an older certificate`);
    }
  }

  /** The enrolments of a node under the EK that it has now, newest first; the first is in force. */
  enrolmentsOf(nodeId: string, limit: number): EnrolledNode[] {
    return guarded(() =>
      this.#database
        .prepare<[string, number], EnrolmentRow>(
          `SELECT node.id, node.ek_hash, admitted_by, ak_public, enrolled_at
           FROM enrolment JOIN node ON node.id = node_id AND node.ek_hash = enrolment.ek_hash
           WHERE node_id = ? ORDER BY number DESC LIMIT ?`,
        )
        .all(nodeId, limit)
        .map((row) => ({
          id: row.id,
          ekHash: row.ek_hash,
          admittedBy: row.admitted_by,
          akPublic: new Uint8Array(row.ak_public),
          enrolledAt: new Date(row.enrolled_at),
        })),
    );
  }

  /** Who let this EK in, or null when no operator did. */
  admissionOf(ekHash: string): Admission | null {
    return guarded(
      () =>
        this.#database
          .prepare<[string], Admission>(
            `SELECT ek_hash AS ekHash, admitted_by AS admittedBy, node_id AS nodeId
             FROM admission WHERE ek_hash = ?`,
          )
          .get(ekHash) ?? null,
    );
  }

  findToken(hash: string): JoinToken | null {
    return guarded(() => this.#tokens("hash = ?", hash)[0] ?? null);
  }

  /** Notes who came with a token, unless somebody else has. */
  useToken(hash: string, ekHash: string, nodeId: string): void {
    guarded(() =>
      this.#database
        .prepare(
          "UPDATE join_token SET ek_hash = ?, node_id = ? WHERE hash = ? AND ek_hash IS NULL",
        )
        .run(ekHash, nodeId, hash),
    );
  }

  /** Who came with a token and was not let in yet. */
  waiting(): JoinToken[] {
    return guarded(() =>
      this.#tokens("ek_hash IS NOT NULL AND ek_hash NOT IN (SELECT ek_hash FROM admission)"),
    );
  }

  /** Does what an operator wants, with a line about it, both or neither. */
  administrate(entry: AuditEntry, change: (administration: Administration) => void): void {
    const { time, actor, action, detail } = entry;
    guarded(() =>
      this.#database
        .transaction(() => {
          change(this.#administration);
          this.#database
            .prepare("INSERT INTO audit (time, actor, action, detail) VALUES (?, ?, ?, ?)")
            .run(time.toISOString(), actor, action, detail);
        })
        .immediate(),
    );
  }

  /** All that operators did, oldest first. */
  audit(): AuditEntry[] {
    return guarded(() =>
      this.#database
        .prepare<[], Omit<AuditEntry, "time"> & { time: string }>(
          "SELECT time, actor, action, detail FROM audit ORDER BY number",
        )
        .all()
        .map((row) => ({ ...row, time: new Date(row.time) })),
    );
  }

  close(): void {
    guarded(() => this.#database.close());
  }

  readonly #administration: Administration = {
    admit: ({ ekHash, admittedBy, nodeId }) => {
      this.#database
        .prepare(
          `INSERT INTO admission (ek_hash, admitted_by, node_id) VALUES (?, ?, ?)
           ON CONFLICT (ek_hash) DO UPDATE SET admitted_by = excluded.admitted_by, node_id = excluded.node_id`,
        )
        .run(ekHash, admittedBy, nodeId);
    },
    dismiss: (ekHash) => this.#changed("DELETE FROM admission WHERE ek_hash = ?", ekHash),
    addToken: ({ hash, expiresAt }) => {
      this.#database
        .prepare("INSERT INTO join_token (hash, expires_at) VALUES (?, ?)")
        .run(hash, expiresAt.toISOString());
    },
    bind: (nodeId, ekHash) =>
      this.#changed("UPDATE node SET ek_hash = ?, cloned = NULL WHERE id = ?", ekHash, nodeId),
  };

  #changed(sql: string, ...values: readonly string[]): boolean {
    return this.#database.prepare(sql).run(...values).changes > 0;
  }

  #tokens(where: string, ...values: readonly string[]): JoinToken[] {
    return this.#database
      .prepare<unknown[], Omit<JoinToken, "expiresAt"> & { expiresAt: string }>(
        `SELECT hash, expires_at AS expiresAt, ek_hash AS ekHash, node_id AS nodeId
         FROM join_token WHERE ${where} ORDER BY expires_at`,
      )
      .all(...values)
      .map((row) => ({ ...row, expiresAt: new Date(row.expiresAt) }));
  }

  /** False when the node turned out to be cloned, which is noted. */
  #enrol(enrolment: Enrolment): boolean {
    const { id, ekHash, enrolledAt, certificateHash, previousHash } = enrolment;
    this.#database
      .prepare("INSERT INTO node (id, ek_hash) VALUES (?, ?) ON CONFLICT DO NOTHING")
      .run(id, ekHash);
    if (this.ekHashOf(id) !== ekHash) {
      throw new RegistrarError("NODE_ID_TAKEN", `${id} belongs to another TPM`);
    }
    if (!this.#goesOn(id, ekHash, previousHash)) {
      this.#changed("UPDATE node SET cloned = ? WHERE id = ?", enrolledAt.toISOString(), id);
      return false;
    }
    this.#database
      .prepare(
        `INSERT INTO enrolment (node_id, ek_hash, admitted_by, ak_public, ek_certificate,
           tls_certificate, certificate_hash, previous_hash, enrolled_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        ekHash,
        enrolment.admittedBy,
        enrolment.akPublic,
        enrolment.ekCertificate,
        enrolment.tlsCertificate,
        certificateHash,
        previousHash,
        enrolledAt.toISOString(),
      );
    return true;
  }

  /**
   * Whether the node goes on from the last certificate it was given, or from the one before, when the answer with the
   * last one was lost. Of two machines with one TPM state that both renew, one comes with an older certificate, at its
   * second renewal at the latest.
   */
  #goesOn(id: string, ekHash: string, previousHash: string | null): boolean {
    const row = this.#database
      .prepare<[string], { cloned: string | null }>("SELECT cloned FROM node WHERE id = ?")
      .get(id);
    if (row?.cloned) return false;
    const last = this.#database
      .prepare<[string, string], { certificate_hash: string; previous_hash: string | null }>(
        `SELECT certificate_hash, previous_hash FROM enrolment
         WHERE node_id = ? AND ek_hash = ? ORDER BY number DESC LIMIT 1`,
      )
      .get(id, ekHash);
    return !last || previousHash === last.certificate_hash || previousHash === last.previous_hash;
  }
}

function open(file: string): Database.Database {
  const database = new Database(file);
  try {
    database.pragma("journal_mode = WAL");
    // An answered enrolment must survive a power cut: the default of WAL may lose the last transactions.
    database.pragma("synchronous = FULL");
    database.pragma("foreign_keys = ON");
    database.transaction(() => applySchema(database)).immediate();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function applySchema(database: Database.Database): void {
  const version = database.pragma("user_version", { simple: true });
  if (version === 0) database.exec(SCHEMA);
  else if (version !== SCHEMA_VERSION) {
    throw new RegistrarError("STORE_FAILED", "the database was written by another version");
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof RegistrarError) throw cause;
    throw new RegistrarError("STORE_FAILED", "the database failed", { cause });
  }
}
