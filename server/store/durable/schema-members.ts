/**
 * Members, sessions, tokens and requests for a second person. What is only ever read with its row is JSON in it: `record` has
 * the rest of the record's members.
 */
export const membersSchema = `
  CREATE TABLE members (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE member_sessions (
    hash TEXT PRIMARY KEY,
    member TEXT NOT NULL REFERENCES members (id),
    createdAt TEXT NOT NULL,
    lastSeenAt TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX member_sessions_of ON member_sessions (member);

  CREATE TABLE member_tokens (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    member TEXT NOT NULL REFERENCES members (id),
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX member_tokens_of ON member_tokens (member);

  CREATE TABLE member_requests (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL
  ) STRICT;
`
