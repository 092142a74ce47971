// SPDX-License-Identifier: Apache-2.0

import Database from "better-sqlite3";
import { VerifierError } from "../error.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";

/** What is kept of a node besides its history. */
export interface NodeRecord {
  readonly id: string;
  /** TPMT_PUBLIC of the attestation key, as the registrar vouched for it. */
  readonly akPublic: Uint8Array;
  /** 1 when the TPM's vendor vouches for it, 0 when only an operator does. */
  readonly ekChained: number;
  /** JSON of the last standing, or null before the first evidence. */
  readonly standing: string | null;
  /** Until when that holds. This and the next in milliseconds since the epoch. */
  readonly validUntil: number;
  /** When the node last asked for a challenge or sent evidence. */
  readonly lastContact: number;
  /** A boot that the node says it is in, and has proven nothing of; null when there is none. */
  readonly claimedBoot: string | null;
}

/** Evidence that was accepted once. */
export interface StoredRound {
  /** Milliseconds since the epoch. */
  readonly received: number;
  /** Version of the policies it was judged by. */
  readonly policy: string;
  /** CBOR, as in the protocol. */
  readonly evidence: Uint8Array;
}

/** A round with what was made of it then. */
export interface JudgedRound extends StoredRound {
  /** JSON of the standing after it. */
  readonly standing: string;
}

/** What one evidence changed. */
export interface Outcome {
  readonly node: string;
  /** When the evidence came, in milliseconds since the epoch. */
  readonly received: number;
  readonly validUntil: number;
  /** Absent when it is the one that is stored. */
  readonly standing?: string | undefined;
  /** True when the evidence was accepted: whatever boot the node claimed to be in, this one is proven. */
  readonly accepted: boolean;
  /** Absent when the evidence brought nothing new, or was refused. */
  readonly round?: JudgedRound | undefined;
  /** The boot that this round began, if it did: what came before is history. */
  readonly newBoot?: string | undefined;
}

/**
 * The verifier's database (SQLite). What it returns is trusted: whoever can write the file is the verifier.
 *
 * No transaction can be seen half. After a power cut the last ones may be missing; then nodes send again what was in
 * them.
 */
export class Store {
  readonly #db: Database.Database;
  readonly #sql: Statements;

  private constructor(db: Database.Database) {
    this.#db = db;
    this.#sql = prepareStatements(db);
  }

  /**
   * Opens the database, or makes it. `:memory:` keeps nothing.
   *
   * @throws VerifierError `STORE_FAILED`
   */
  static open(path: string): Store {
    let db: Database.Database | undefined;
    try {
      db = new Database(path);
      prepareLayout(db);
      return new Store(db);
    } catch (cause) {
      db?.close();
      throw new VerifierError("STORE_FAILED", `cannot use the database ${path}`, { cause });
    }
  }

  /**
   * Opens a database that is there, perhaps in use by a verifier, and changes nothing in it: what writes throws.
   *
   * @throws VerifierError `STORE_FAILED`
   */
  static openReadOnly(path: string): Store {
    let db: Database.Database | undefined;
    try {
      db = new Database(path, { readonly: true, fileMustExist: true });
      const version = db.pragma("user_version", { simple: true });
      if (version !== SCHEMA_VERSION) throw unknownLayout(version);
      return new Store(db);
    } catch (cause) {
      db?.close();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new VerifierError("STORE_FAILED", `cannot read the database ${path}: ${why}`, {
        cause,
      });
    }
  }

  findNode(id: string): NodeRecord | null {
    return this.#sql.findNode.get(id) ?? null;
  }

  listNodes(): readonly NodeRecord[] {
    return this.#sql.listNodes.all();
  }

  /** Pins the attestation key of a node, known or not. A known node begins a new history; the old one stays. */
  pin(id: string, akPublic: Uint8Array, ekChained: boolean, now: number): void {
    this.#sql.pin.run({ id, akPublic, ekChained: Number(ekChained), now });
  }

  /** Notes who vouches for the TPM of a node whose key is pinned. */
  setEkChained(id: string, ekChained: boolean): void {
    this.#sql.setEkChained.run(Number(ekChained), id);
  }

  /** Notes that the node was in touch, and which boot it claims to be in without having proven it. */
  meet(id: string, now: number, claimedBoot: string | null): void {
    this.#sql.meet.run(now, claimedBoot, id);
  }

  /** The accepted evidence of the node's present boot, in order. */
  rounds(node: string): IterableIterator<StoredRound> {
    return this.#sql.rounds.iterate(node);
  }

  /** The same, each with what was made of it. */
  judgedRounds(node: string): IterableIterator<JudgedRound> {
    return this.#sql.judgedRounds.iterate(node);
  }

  /** How many rounds the present boot has. */
  countRounds(node: string): number {
    return this.#sql.countRounds.get(node)?.count ?? 0;
  }

  /** One of them, from 0, without its evidence. */
  findRound(node: string, number: number): Omit<JudgedRound, "evidence"> | null {
    return this.#sql.findRound.get(node, number) ?? null;
  }

  /** Writes what one evidence changed, all of it or nothing. */
  commit({ node, received, validUntil, standing, accepted, round, newBoot }: Outcome): void {
    this.#db.transaction(() => {
      if (round) {
        if (newBoot !== undefined) {
          const { lastInsertRowid } = this.#sql.addBoot.run(node, newBoot, round.received);
          this.#sql.setBoot.run(lastInsertRowid, node);
        }
        this.#sql.addRound.run({ ...round, node });
      }
      if (standing !== undefined) this.#sql.setStanding.run(standing, node);
      this.#sql.setTimes.run({ node, received, validUntil, accepted: Number(accepted) });
    })();
  }

  /** Keeps the documents of a policy version, once. */
  savePolicy(version: string, documents: string): void {
    this.#sql.savePolicy.run(version, documents);
  }

  /** The documents of a version that a round names. */
  findPolicy(version: string): string | null {
    return this.#sql.findPolicy.get(version)?.documents ?? null;
  }

  close(): void {
    this.#db.close();
  }
}

function prepareLayout(db: Database.Database): void {
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = NORMAL");
  db.pragma("foreign_keys = ON");
  const version = db.pragma("user_version", { simple: true });
  if (version === SCHEMA_VERSION) return;
  if (version !== 0) throw unknownLayout(version);
  db.transaction(() => {
    db.exec(SCHEMA);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  })();
}

function unknownLayout(version: unknown): Error {
  return new Error(`layout ${version}; this verifier knows ${SCHEMA_VERSION}`);
}

const NODE_COLUMNS =
  "id, ak AS akPublic, ek_chained AS ekChained, standing, valid_until AS validUntil, contact AS lastContact, claimed_boot AS claimedBoot";

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(db: Database.Database) {
  return {
    findNode: db.prepare<[string], NodeRecord>(`SELECT ${NODE_COLUMNS} FROM nodes WHERE id = ?`),
    listNodes: db.prepare<[], NodeRecord>(`SELECT ${NODE_COLUMNS} FROM nodes ORDER BY id`),
    pin: db.prepare<[{ id: string; akPublic: Uint8Array; ekChained: number; now: number }]>(
      `INSERT INTO nodes (id, ak, ek_chained, pinned, contact, valid_until)
       VALUES (:id, :akPublic, :ekChained, :now, :now, :now)
       ON CONFLICT (id) DO UPDATE SET ak = excluded.ak, ek_chained = excluded.ek_chained, pinned = excluded.pinned, boot = NULL`,
    ),
    setEkChained: db.prepare<[number, string]>("UPDATE nodes SET ek_chained = ? WHERE id = ?"),
    meet: db.prepare<[number, string | null, string]>(
      "UPDATE nodes SET contact = ?, claimed_boot = ? WHERE id = ?",
    ),
    rounds: db.prepare<[string], StoredRound>(
      `SELECT received, policy, evidence FROM rounds
       WHERE boot = (SELECT boot FROM nodes WHERE id = ?) ORDER BY number`,
    ),
    judgedRounds: db.prepare<[string], JudgedRound>(
      `SELECT received, policy, evidence, standing FROM rounds
       WHERE boot = (SELECT boot FROM nodes WHERE id = ?) ORDER BY number`,
    ),
    countRounds: db.prepare<[string], { count: number }>(
      "SELECT COUNT(*) AS count FROM rounds WHERE boot = (SELECT boot FROM nodes WHERE id = ?)",
    ),
    findRound: db.prepare<[string, number], Omit<JudgedRound, "evidence">>(
      `SELECT received, policy, standing FROM rounds
       WHERE boot = (SELECT boot FROM nodes WHERE id = ?) AND number = ?`,
    ),
    addBoot: db.prepare<[string, string, number]>(
      "INSERT INTO boots (node, boot_id, began) VALUES (?, ?, ?)",
    ),
    setBoot: db.prepare<[number | bigint, string]>("UPDATE nodes SET boot = ? WHERE id = ?"),
    addRound: db.prepare<[JudgedRound & { node: string }]>(
      `INSERT INTO rounds (boot, number, received, policy, evidence, standing)
       SELECT boot, (SELECT IFNULL(MAX(number) + 1, 0) FROM rounds WHERE rounds.boot = nodes.boot),
         :received, :policy, :evidence, :standing
       FROM nodes WHERE id = :node`,
    ),
    setStanding: db.prepare<[string, string]>("UPDATE nodes SET standing = ? WHERE id = ?"),
    setTimes: db.prepare<
      [{ node: string; received: number; validUntil: number; accepted: number }]
    >(
      `UPDATE nodes SET contact = :received, valid_until = :validUntil,
         claimed_boot = CASE WHEN :accepted THEN NULL ELSE claimed_boot END
       WHERE id = :node`,
    ),
    savePolicy: db.prepare<[string, string]>(
      "INSERT OR IGNORE INTO policies (version, documents) VALUES (?, ?)",
    ),
    findPolicy: db.prepare<[string], { documents: string }>(
      "SELECT documents FROM policies WHERE version = ?",
    ),
  };
}
