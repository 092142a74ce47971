// SPDX-License-Identifier: Apache-2.0

/** Written into the database; another number is another layout. */
export const SCHEMA_VERSION = 3;

/** The whole layout. `STRICT`: a column holds what it says. */
export const SCHEMA = `
CREATE TABLE policies (
  version   TEXT PRIMARY KEY,
  documents TEXT NOT NULL
) STRICT;

-- One history of a node: a boot, under one attestation key.
CREATE TABLE boots (
  id      INTEGER PRIMARY KEY,
  node    TEXT    NOT NULL REFERENCES nodes (id),
  boot_id TEXT    NOT NULL,
  began   INTEGER NOT NULL
) STRICT;

-- Whether the TPM's vendor vouches for it, 1 or 0. Times in milliseconds since the epoch. The contact is the node's last one, the claimed boot one that it says it is in
-- and has proven nothing of.
CREATE TABLE nodes (
  id           TEXT    PRIMARY KEY,
  ak           BLOB    NOT NULL,
  ek_chained   INTEGER NOT NULL,
  pinned       INTEGER NOT NULL,
  boot         INTEGER REFERENCES boots (id),
  contact      INTEGER NOT NULL,
  claimed_boot TEXT,
  standing     TEXT,
  valid_until  INTEGER NOT NULL
) STRICT;

-- Evidence that was accepted and brought something new, as it came except for what was left pending; the standing is
-- what followed from it by that policy.
CREATE TABLE rounds (
  boot     INTEGER NOT NULL REFERENCES boots (id),
  number   INTEGER NOT NULL,
  received INTEGER NOT NULL,
  policy   TEXT    NOT NULL REFERENCES policies (version),
  evidence BLOB    NOT NULL,
  standing TEXT    NOT NULL,
  PRIMARY KEY (boot, number)
) STRICT, WITHOUT ROWID;
`;
