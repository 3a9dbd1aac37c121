import type {
  AliasMove,
  ApprovalRecord,
  CandidateRecord,
  ClientRecord,
  OutcomesRecord,
  RunRecord,
  Tag,
  TagChange,
  VersionRecord,
  VersionState,
} from '../ports.ts'
import { enrolmentChangesSchema, enrolmentsSchema } from './enrolments.ts'
import { membersSchema } from './schema-members.ts'

/** The tables of records, as the query builder sees them. */
export type Tables = {
  runs: RunRecord
  clients: ClientRecord
  versions: VersionRecord
  alias_moves: AliasMove
  version_states: VersionState
  candidates: Omit<CandidateRecord, 'passed'> & { readonly passed: number }
  approvals: ApprovalRecord
  outcomes: OutcomesRecord
  tags: Tag
  tag_changes: TagChange
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
  `
  ALTER TABLE alias_moves ADD COLUMN actor TEXT NOT NULL DEFAULT 'coordinator';
  ALTER TABLE alias_moves ADD COLUMN envelope TEXT NOT NULL DEFAULT '';

  CREATE TABLE version_states (
    position INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    FOREIGN KEY (model, number) REFERENCES versions (model, number)
  ) STRICT;

  CREATE TABLE candidates (
    position INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    run TEXT NOT NULL,
    round INTEGER NOT NULL,
    weights TEXT NOT NULL,
    passed INTEGER NOT NULL,
    gates TEXT NOT NULL,
    at TEXT NOT NULL,
    UNIQUE (model, run, round)
  ) STRICT;

  CREATE TABLE approvals (
    model TEXT NOT NULL,
    number INTEGER NOT NULL,
    member TEXT NOT NULL,
    envelope TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (model, number, member),
    FOREIGN KEY (model, number) REFERENCES versions (model, number)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE outcomes (
    position INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    rollout TEXT NOT NULL,
    consumer TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    envelope TEXT NOT NULL,
    at TEXT NOT NULL,
    UNIQUE (model, rollout, consumer, sequence)
  ) STRICT;
  `,
  `
  CREATE TABLE tags (
    model TEXT NOT NULL,
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (model, number, key),
    FOREIGN KEY (model, number) REFERENCES versions (model, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tag_changes (
    position INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT,
    previous TEXT,
    actor TEXT NOT NULL,
    at TEXT NOT NULL,
    FOREIGN KEY (model, number) REFERENCES versions (model, number)
  ) STRICT;
  CREATE INDEX tag_changes_of_version ON tag_changes (model, number);
  `,
  membersSchema,
  enrolmentsSchema,
  enrolmentChangesSchema,
]
