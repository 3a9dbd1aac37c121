import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { ClientKey } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import type { EnrolmentAnswer } from '../../core/enrolment/messages.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { idField, keyField } from '../../core/run/fields.ts'
import { type Home, parseJson, replaceFile } from '../home.ts'
import { secretFile } from '../secret-files.ts'

const schema = z.strictObject({
  client: idField,
  /** Ed25519 key of the coordinator. */
  coordinator: keyField,
  http: z.string().min(1),
  carriers: z.array(z.string().min(1)).min(1),
  /** PEM; null where there is no TLS. */
  authority: z.string().nullable(),
  certificate: z.string(),
  from: z.number(),
  until: z.number(),
})
/** The federation that a client belongs to, as its home has it. */
export type Joined = z.infer<typeof schema>

export async function joinedOf({ federation }: Home): Promise<Joined | undefined> {
  const text = await readFile(federation, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const parsed = schema.safeParse(parseJson(text, federation))
  if (!parsed.success) throw new ParleyError('config.invalid', `${federation} is damaged`)
  return parsed.data
}

export async function keepJoined({ federation }: Home, joined: Joined): Promise<void> {
  await replaceFile(federation, `${JSON.stringify(joined, null, 2)}\n`)
}

export async function clientKeyOf(home: Home): Promise<ClientKey> {
  const seed = await secretFile(home.identity)
  return { seed, identity: nodeCrypto.signingKey(seed) }
}

/** What is kept of an answer. */
export function certificateOf(
  { certificate, notAfter }: Extract<EnrolmentAnswer, { state: 'active' }>,
  now: number,
): Pick<Joined, 'certificate' | 'from' | 'until'> {
  return { certificate, from: now, until: Date.parse(notAfter) }
}
