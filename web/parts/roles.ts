/** What each role is for, as the coordinator has them. */
export const roleWords = {
  admin: 'people, not models',
  operator: 'runs, aliases, states of versions, clients',
  approver: 'releases',
  auditor: 'reads everything, changes nothing',
  viewer: 'sees runs',
  client: 'nothing beyond what is public',
} as const

export type RoleName = keyof typeof roleWords

/** Those that people are given. */
export const givenRoles = ['admin', 'operator', 'approver', 'auditor', 'viewer'] as const satisfies readonly RoleName[]
