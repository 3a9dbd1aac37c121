import { z } from 'zod'
import { idField } from '../../core/run/fields.ts'
import { memberNameField } from '../members/directory.ts'
import { roles, scopes } from '../members/permissions.ts'

const role = z.enum(roles)
const until = z.iso.datetime({ precision: 3 }).optional()
const secret = z.string().min(1).max(1_000)
const code = z.string().min(1).max(100)

/** Bodies of what is asked about people. */
export const peopleBodies = {
  login: z.strictObject({ name: idField, password: secret, code: code.optional() }),
  password: z.strictObject({ current: secret, next: z.string().max(2_000) }),
  beginSecondFactor: z.strictObject({ code: code.optional() }),
  confirmSecondFactor: z.strictObject({ code }),
  member: z.strictObject({
    name: memberNameField,
    roles: z
      .array(z.strictObject({ role, until }))
      .max(roles.length)
      .refine((all) => new Set(all.map((one) => one.role)).size === all.length, 'a role stands twice'),
  }),
  grant: z.strictObject({ until }),
  token: z.strictObject({
    label: z.string().trim().min(1).max(100),
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
    expiresAt: z.iso.datetime({ precision: 3 }),
  }),
  confirm: z.strictObject({ digest: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex') }),
} as const

export const rolePath = role
