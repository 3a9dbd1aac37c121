import type { AliasMove, ClientRecord, RunRecord, VersionRecord } from '../ports.ts'

/** The tables of records, as the query builder sees them. */
export type Tables = {
  runs: RunRecord
  clients: ClientRecord
  versions: VersionRecord
  alias_moves: AliasMove
}

/**
 * One entry for each version of the schema, in order; `user_version` counts those that are done. An entry, once released,
 * is never changed: what comes later is a new entry.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    plan TEXT NOT NULL,
    createdAt TEXT NOT NULL,
    status TEXT NOT NULL
  ) STRICT;

  CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    publicKey TEXT NOT NULL,
    firstSeenAt TEXT NOT NULL,
    lastSeenAt TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE versions (
    model TEXT NOT NULL,
    number INTEGER NOT NULL,
    weights TEXT NOT NULL,
    envelope TEXT NOT NULL,
    run TEXT NOT NULL,
    round INTEGER NOT NULL,
    publishedAt TEXT NOT NULL,
    PRIMARY KEY (model, number),
    UNIQUE (model, run, round)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE alias_moves (
    position INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    UNIQUE (model, alias, sequence),
    FOREIGN KEY (model, version) REFERENCES versions (model, number)
  ) STRICT;

  CREATE TABLE journal (
    run TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    entry TEXT NOT NULL,
    chain BLOB NOT NULL,
    PRIMARY KEY (run, sequence)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE journal_heads (
    run TEXT PRIMARY KEY,
    next INTEGER NOT NULL,
    chain BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
]
