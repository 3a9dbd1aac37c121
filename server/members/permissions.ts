/** What somebody may do over HTTP, one word for each kind of act. Every operation of the API names one, or is public. */
export const permissions = [
  /** Who am I, and which tokens have I. */
  'self.read',
  /** Own password, own second factor, own sessions, the end of own tokens. */
  'self.write',
  /** A new token of one's own. */
  'token.create',
  'run.read',
  'run.start',
  /** Pause a run, and let it go on. */
  'run.pause',
  'run.stop',
  'run.recompute',
  /** Candidates, approvals and rollouts: what is known of versions beyond what is public. */
  'release.read',
  'version.approve',
  'version.state',
  'version.tag',
  'alias.move',
  'garbage.collect',
  'audit.read',
  /** The audit log with versions and what they were made of, as a bundle that verifies elsewhere. */
  'evidence.export',
  /** The clients of the federation: who they are; invite, approve, suspend, revoke. */
  'client.read',
  'client.write',
  'member.read',
  'member.write',
  /** Requests that wait for a second person. */
  'request.read',
  'request.decide',
] as const

export type Permission = (typeof permissions)[number]

export const roles = ['admin', 'operator', 'approver', 'auditor', 'viewer', 'client'] as const

export type Role = (typeof roles)[number]

/** What everybody has who is somebody here, whatever their roles. */
const everybody: readonly Permission[] = ['self.read', 'self.write', 'token.create']

/**
 * What each role may. `admin`: people, not models. `operator`: runs, aliases, states of versions. `approver`: releases.
 * `auditor` reads everything and changes nothing. `client`: what an enrolled client reads over HTTP beyond what is public, which is
 * nothing: its tasks come over its own session.
 */
export const rolePermissions: { readonly [R in Role]: readonly Permission[] } = {
  admin: ['member.read', 'member.write', 'request.read', 'request.decide'],
  operator: [
    'run.read',
    'run.start',
    'run.pause',
    'run.stop',
    'run.recompute',
    'release.read',
    'version.state',
    'version.tag',
    'alias.move',
    'garbage.collect',
    'client.read',
    'client.write',
    'request.read',
    'request.decide',
  ],
  approver: ['run.read', 'release.read', 'version.approve', 'request.read', 'request.decide'],
  auditor: ['run.read', 'release.read', 'client.read', 'member.read', 'request.read', 'audit.read', 'evidence.export'],
  viewer: ['run.read'],
  client: [],
}

/** What somebody may who has logged in and must first set a password or a second factor. */
export const unfinishedPermissions: readonly Permission[] = ['self.read', 'self.write']

/** What no token may, whatever its scopes: it would outlive its own end. */
const personalPermissions: readonly Permission[] = ['self.write', 'token.create']

/** What the scopes of a token are taken from. */
export const scopes: readonly Permission[] = permissions.filter((one) => !personalPermissions.includes(one))

/** The key of the machine's owner may everything but what only a person has: a password, sessions, tokens. */
export const hostPermissions: ReadonlySet<Permission> = new Set(scopes)

/** What these roles may together. */
export function permissionsOf(held: Iterable<Role>): ReadonlySet<Permission> {
  const all = new Set(everybody)
  for (const role of held) for (const one of rolePermissions[role]) all.add(one)
  return all
}

/** Roles that a password alone is enough for: they change nothing. */
export const readingRoles: readonly Role[] = ['auditor', 'viewer']
