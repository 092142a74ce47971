// SPDX-License-Identifier: Apache-2.0

/** Written into the database; another number is another layout. */
export const SCHEMA_VERSION = 2;

/**
 * `node` binds an id to its EK until an operator replaces it; `cloned` is when two machines were seen behind it.
 * `admission` is whom operators let in, `join_token` what they gave out and who came with it. `enrolment` and `audit` are
 * histories to which rows are only added; the newest enrolment of a node under its EK is in force.
 */
export const SCHEMA: string = `
  CREATE TABLE node (
    id TEXT PRIMARY KEY,
    ek_hash TEXT NOT NULL,
    cloned TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE enrolment (
    number INTEGER PRIMARY KEY,
    node_id TEXT NOT NULL REFERENCES node (id),
    ek_hash TEXT NOT NULL,
    admitted_by TEXT NOT NULL,
    ak_public BLOB NOT NULL,
    ek_certificate BLOB,
    tls_certificate TEXT NOT NULL,
    certificate_hash TEXT NOT NULL,
    previous_hash TEXT,
    enrolled_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX enrolment_of_node ON enrolment (node_id, number);
  CREATE TABLE admission (
    ek_hash TEXT PRIMARY KEY,
    admitted_by TEXT NOT NULL,
    node_id TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE join_token (
    hash TEXT PRIMARY KEY,
    expires_at TEXT NOT NULL,
    ek_hash TEXT,
    node_id TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;
