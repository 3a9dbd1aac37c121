import { type Document, parseDocument } from 'yaml'
import { z } from 'zod'
import { utf8 } from '../../../core/encoding/bytes.ts'
import { ParleyError } from '../../../core/errors/index.ts'
import { durationMs, durationSchema } from '../../../core/plan/duration.ts'
import { addressPattern } from './email.ts'
import { alertRulesSchema } from './settings.ts'

const MAX_BYTES = 64 * 1024

const common = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'lower-case letters, digits and hyphens, at most 32'),
  minSeverity: z.enum(['warning', 'critical']).default('warning'),
  timeout: durationSchema.default('10s').transform(durationMs),
}
const path = z.string().min(1).max(4_096)
const address = z.string().regex(addressPattern, 'a plain e-mail address')

const webhookSchema = z.strictObject({
  ...common,
  url: z.string().max(2_000),
  secretFile: path,
  allowHttpBeyondLoopback: z.boolean().default(false),
})

const emailSchema = z.strictObject({
  ...common,
  host: z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'a host name or an address'),
  port: z.number().int().min(1).max(65_535).default(587),
  from: address,
  to: z.array(address).min(1).max(20),
  user: z.string().min(1).max(320).optional(),
  passwordFile: path.optional(),
  caFile: path.optional(),
  implicitTls: z.boolean().default(false),
  allowClearTextBeyondLoopback: z.boolean().default(false),
})

const fileSchema = z.strictObject({
  /** How often everything is looked at, beside what is looked at when something happens. */
  every: durationSchema.default('15s').transform(durationMs).pipe(z.number().min(1_000, 'at least 1s')),
  rules: alertRulesSchema.prefault({}),
  webhooks: z.array(webhookSchema).max(10).default([]),
  emails: z.array(emailSchema).max(10).default([]),
})

export type AlertsFile = z.output<typeof fileSchema>

/** Reads the file of `parley coordinator --alerts`, YAML or JSON. Throws `config.invalid` with every field that is wrong. */
export function parseAlertsFile(text: string): AlertsFile {
  const invalid = (why: string) => new ParleyError('config.invalid', `the file of alerts: ${why}`)
  if (utf8(text).length > MAX_BYTES) throw invalid(`at most ${MAX_BYTES} bytes`)
  const document = parseDocument(text, { uniqueKeys: true, strict: true })
  const problem = document.errors[0]
  if (problem !== undefined) throw invalid(problem.message.split('\n')[0] ?? 'it is no YAML')
  const parsed = fileSchema.safeParse(plain(document, invalid) ?? {})
  if (!parsed.success) {
    throw invalid(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '))
  }
  const { webhooks, emails } = parsed.data
  const names = [...webhooks, ...emails].map(({ name }) => name)
  if (new Set(names).size < names.length) throw invalid('two sinks have one name')
  const half = emails.find(({ user, passwordFile }) => (user === undefined) !== (passwordFile === undefined))
  if (half !== undefined) throw invalid(`emails ${half.name}: user and passwordFile go together`)
  return parsed.data
}

/** Aliases could make much of little, and nobody needs them here. */
function plain(document: Document, invalid: (why: string) => ParleyError): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    throw invalid('no aliases (&, *) in it')
  }
}
