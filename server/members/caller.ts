import { HOST } from '../../core/audit/actor.ts'
import type { Permission } from './permissions.ts'

export { HOST }

/**
 * Who a request comes from. `member` and `host` have proven it; what they may is worked out anew at each request.
 * A session that is not `complete` waits for a password or a second factor to be set.
 */
export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'host'; readonly id: typeof HOST; readonly permissions: ReadonlySet<Permission> }
  | MemberCaller

export type MemberCaller = {
  readonly kind: 'member'
  /** The member's id. */
  readonly id: string
  readonly name: string
  readonly permissions: ReadonlySet<Permission>
  readonly via:
    | { readonly kind: 'session'; readonly hash: string; readonly complete: boolean }
    | { readonly kind: 'token'; readonly id: string }
}

/** A caller that is somebody. */
export type KnownCaller = Exclude<Caller, { readonly kind: 'anonymous' }>

export const anonymous: Caller = { kind: 'anonymous' }
