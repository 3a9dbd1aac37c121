/** A role that a member has, until `until` where there is one (UTC, RFC 3339 with milliseconds). */
export type GrantRecord = {
  readonly role: string
  readonly until?: string
  readonly at: string
  /** Who gave it. */
  readonly by: string
}

export type PasswordRecord = {
  /** scrypt with its parameters: `scrypt$N$r$p$salt$hash`, the last two in hex. */
  readonly hash: string
  /** A password that somebody else knows: until when it may be changed for another one, and for nothing else. */
  readonly initialUntil?: string
}

export type SecondFactorRecord = {
  /** The shared secret of TOTP, sealed, in hex. */
  readonly sealed: string
  /** The time step of the newest code that was accepted; none that is not later is accepted. */
  readonly step: number
}

export type MemberRecord = {
  readonly id: string
  /** No two members have the same. */
  readonly name: string
  readonly disabled: boolean
  readonly createdAt: string
  readonly grants: readonly GrantRecord[]
  readonly password: PasswordRecord
  readonly secondFactor?: SecondFactorRecord
  /** The sealed secret of one that no code has proven yet. */
  readonly pendingFactor?: string
  /** SHA-256 of the recovery codes that are left, in hex. */
  readonly recoveryCodes: readonly string[]
}

/** A browser that is logged in. */
export type SessionRecord = {
  /** SHA-256 of what the cookie holds, in hex. */
  readonly hash: string
  readonly member: string
  readonly createdAt: string
  readonly lastSeenAt: string
}

export type TokenRecord = {
  /** Stands in the token in the clear. */
  readonly id: string
  readonly member: string
  /** What it is for, in the words of its member. */
  readonly label: string
  /** SHA-256 of its secret, in hex. */
  readonly hash: string
  readonly scopes: readonly string[]
  readonly createdAt: string
  readonly expiresAt: string
  readonly lastUsedAt?: string
  readonly revokedAt?: string
}

/** An act that waits for a second person, or that waited. */
export type RequestRecord = {
  readonly id: string
  readonly act: string
  /** What is to be done, as canonical JSON. */
  readonly body: string
  /** SHA-256 of act and body, in hex. */
  readonly digest: string
  readonly requestedBy: string
  readonly requestedAt: string
  readonly expiresAt: string
  /** `confirmed`: being done, or broken off by the end of the process while it was. */
  readonly state: 'pending' | 'confirmed' | 'done' | 'failed' | 'refused'
  readonly decidedBy?: string
  readonly decidedAt?: string
  /** The code of what it failed with. */
  readonly code?: string
}

/** People, what proves who they are, and what waits for two of them. Changes of one record are made in one transaction. */
export interface MemberStore {
  /** Sorted by name. */
  members(): Promise<readonly MemberRecord[]>
  member(id: string): Promise<MemberRecord | undefined>
  memberNamed(name: string): Promise<MemberRecord | undefined>
  /** Fails with `member.name-taken`. With `first`, fails with `run.conflict` where there is any member. */
  addMember(member: MemberRecord, options?: { readonly first?: boolean }): Promise<void>
  /**
   * Replaces the record by what `change` makes of it; id and name stay. What it throws is what this fails with, and nothing is
   * changed. Fails with `object.not-found`.
   */
  changeMember(id: string, change: (member: MemberRecord) => MemberRecord): Promise<MemberRecord>

  saveSession(session: SessionRecord): Promise<void>
  session(hash: string): Promise<SessionRecord | undefined>
  /** Nothing happens where there is none. */
  touchSession(hash: string, lastSeenAt: string): Promise<void>
  /** Absent is fine. */
  removeSession(hash: string): Promise<void>
  /** All of a member. */
  removeSessions(member: string): Promise<void>
  /** Those that were last seen or made before these times. */
  pruneSessions(before: { readonly lastSeenAt: string; readonly createdAt: string }): Promise<void>

  addToken(token: TokenRecord): Promise<void>
  token(id: string): Promise<TokenRecord | undefined>
  /** Of one member, oldest first. */
  tokens(member: string): Promise<readonly TokenRecord[]>
  /** As `changeMember`. */
  changeToken(id: string, change: (token: TokenRecord) => TokenRecord): Promise<TokenRecord>

  addRequest(request: RequestRecord): Promise<void>
  request(id: string): Promise<RequestRecord | undefined>
  /** Newest first, at most `limit`. */
  requests(limit: number): Promise<readonly RequestRecord[]>
  /** As `changeMember`. */
  changeRequest(id: string, change: (request: RequestRecord) => RequestRecord): Promise<RequestRecord>
}
