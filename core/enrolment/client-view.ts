/** Where a client stands in the federation. */
export type EnrolmentState =
  /** Has a code that nobody has used. */
  | 'invited'
  /** Has asked; a person must compare fingerprints and approve. */
  | 'pending'
  | 'active'
  | 'suspended'
  /** Was not let in; may be invited again. */
  | 'refused'
  /** For ever. */
  | 'revoked'

/** A client as people see it: no code, no request. Times are RFC 3339 in UTC. */
export type ClientView = {
  readonly client: string
  readonly label: string
  readonly state: EnrolmentState
  /** Since when it is in this state, who brought it there, and why. */
  readonly since: string
  readonly actor: string
  readonly reason: string
  /** Of its Ed25519 key, once it has asked. */
  readonly fingerprint?: string
  readonly publicKey?: string
  readonly invitedUntil?: string
  readonly certificateUntil?: string
  readonly serial?: string
  readonly lastSeenAt?: string
  readonly connected: boolean
  /** What its program called itself when it connected last since the coordinator started; nobody vouches for it. */
  readonly agent?: string
}

/** What was done to a client's enrolment. `kept`: what was so when this began to be kept. */
export type EnrolmentStep =
  | 'kept'
  | 'invite'
  | 'request'
  | 'approve'
  | 'allow-renewal'
  | 'renew'
  | 'refuse'
  | 'suspend'
  | 'resume'
  | 'revoke'
  | 'rename'

export type EnrolmentChange = {
  readonly client: string
  readonly at: string
  readonly step: EnrolmentStep
  readonly state: EnrolmentState
  readonly actor: string
  readonly reason: string
  /** The end of the certificate that came of it. */
  readonly certificateUntil?: string
}
