// SPDX-License-Identifier: Apache-2.0

import Database from "better-sqlite3";
import { RegistrarError } from "../error.ts";

/** A node as it enrolled last. */
export interface EnrolledNode {
  readonly id: string;
  /** Lower-case hex of the SHA-256 of the EK (SubjectPublicKeyInfo, DER). */
  readonly ekHash: string;
  /** TPMT_PUBLIC. */
  readonly akPublic: Uint8Array;
  readonly enrolledAt: Date;
}

/** One finished enrolment. */
export interface Enrolment extends EnrolledNode {
  /** DER. */
  readonly ekCertificate: Uint8Array;
  /** PEM of what was issued. */
  readonly tlsCertificate: string;
}

interface EnrolmentRow {
  readonly id: string;
  readonly ek_hash: string;
  readonly ak_public: Uint8Array;
  readonly enrolled_at: string;
}

const SCHEMA_VERSION = 1;
/**
 * `node` binds an id to its EK for good; `enrolment` is a history to which rows are only added, the newest of a node
 * being in force.
 */
const SCHEMA = `
  CREATE TABLE node (
    id TEXT PRIMARY KEY,
    ek_hash TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE enrolment (
    number INTEGER PRIMARY KEY,
    node_id TEXT NOT NULL REFERENCES node (id),
    ak_public BLOB NOT NULL,
    ek_certificate BLOB NOT NULL,
    tls_certificate TEXT NOT NULL,
    enrolled_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX enrolment_of_node ON enrolment (node_id, number);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

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
   * @throws RegistrarError `NODE_ID_TAKEN` when the id is another EK's
   */
  enrol(enrolment: Enrolment): void {
    guarded(() => this.#database.transaction(() => this.#enrol(enrolment)).immediate());
  }

  /** The enrolments of a node, newest first; the first is in force. */
  enrolmentsOf(nodeId: string, limit: number): EnrolledNode[] {
    return guarded(() =>
      this.#database
        .prepare<[string, number], EnrolmentRow>(
          `SELECT node.id, ek_hash, ak_public, enrolled_at FROM enrolment JOIN node ON node.id = node_id
           WHERE node_id = ? ORDER BY number DESC LIMIT ?`,
        )
        .all(nodeId, limit)
        .map((row) => ({
          id: row.id,
          ekHash: row.ek_hash,
          akPublic: new Uint8Array(row.ak_public),
          enrolledAt: new Date(row.enrolled_at),
        })),
    );
  }

  close(): void {
    guarded(() => this.#database.close());
  }

  #enrol(enrolment: Enrolment): void {
    const { id, ekHash, akPublic, ekCertificate, tlsCertificate, enrolledAt } = enrolment;
    this.#database
      .prepare("INSERT INTO node (id, ek_hash) VALUES (?, ?) ON CONFLICT DO NOTHING")
      .run(id, ekHash);
    if (this.ekHashOf(id) !== ekHash) {
      throw new RegistrarError("NODE_ID_TAKEN", `${id} belongs to another TPM`);
    }
    this.#database
      .prepare(
        `INSERT INTO enrolment (node_id, ak_public, ek_certificate, tls_certificate, enrolled_at)
         VALUES (?, ?, ?, ?, ?)`,
      )
      .run(id, akPublic, ekCertificate, tlsCertificate, enrolledAt.toISOString());
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
