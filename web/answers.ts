/** What the API answers, beyond what core has types of. */

export type Member = {
  readonly id: string
  readonly name: string
  readonly disabled: boolean
  readonly createdAt: string
  readonly grants: readonly {
    readonly role: string
    readonly until?: string
    readonly at: string
    readonly by: string
    readonly active: boolean
  }[]
  readonly secondFactor: boolean
  readonly recoveryCodesLeft: number
  readonly initialPasswordUntil?: string
}

/** For a first login, and nothing but setting another one. */
export type InitialPassword = { readonly password: string; readonly until: string }

export type TokenView = {
  readonly id: string
  readonly label: string
  readonly scopes: readonly string[]
  readonly createdAt: string
  readonly expiresAt: string
  readonly lastUsedAt?: string
  readonly revokedAt?: string
}

export type Session = {
  readonly member?: Member
  readonly permissions: readonly string[]
  readonly todo: readonly ('password' | 'second-factor')[]
}

export type AliasHolder = {
  readonly alias: string
  readonly sequence: number
  readonly version: number
  readonly reason: string
  readonly at: string
  readonly actor: string
  /** Basis points of the consumers that get another version. */
  readonly split?: { readonly rollout: string; readonly number: number; readonly share: number }
}

export type ModelSummary = {
  readonly model: string
  readonly versions: number
  readonly aliases: readonly AliasHolder[]
}

export type VersionLine = {
  readonly number: number
  readonly weights: string
  readonly run: string
  readonly round: number
  readonly publishedAt: string
}

export type ModelView = {
  readonly model: string
  readonly versions: readonly VersionLine[]
  readonly aliases: readonly AliasHolder[]
  readonly history: readonly AliasHolder[]
  readonly states: readonly { readonly number: number; readonly state: string; readonly reason: string }[]
}

export type Candidate = {
  readonly run: string
  readonly round: number
  readonly passed: boolean
  readonly at: string
  readonly gates: readonly { readonly verdict: string; readonly explanation: string }[]
}

export type RequestView = {
  readonly id: string
  readonly act: string
  readonly body?: unknown
  readonly digest: string
  readonly requestedBy: string
  readonly requestedAt: string
  readonly expiresAt: string
  readonly state: string
}

export type Tags = { readonly tags: readonly { readonly key: string; readonly value: string }[] }

/** What an act that may take two people answers: it is done, or it waits. */
export type DoneOrWaiting = { readonly request?: RequestView; readonly run?: string }
