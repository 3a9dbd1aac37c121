import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { aliasField } from '../../core/attestation/alias-record.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { idField } from '../../core/run/fields.ts'
import type { Rollouts } from '../registry/rollouts.ts'
import { adminOnly } from './auth.ts'
import { nameOf } from './fields.ts'
import type { HttpDeps } from './options.ts'

const alias = aliasField.default('production')

/** What operators ask of a rollout. */
export const rolloutBodies = {
  apply: z.strictObject({
    alias,
    actor: idField.default('operator'),
    expect: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  }),
} as const

const DSSE = 'application/vnd.dsse.envelope.v1+json'

/** Reports of consumers, whom their signature lets in, and what operators see and do of what came of them. */
export function outcomesRoutes(root: FastifyInstance, { limits, adminToken }: HttpDeps, rollouts: Rollouts): void {
  void root.register((app, _options, done) => {
    app.removeAllContentTypeParsers()
    const options = { parseAs: 'buffer', bodyLimit: limits.outcomesBytes } as const
    app.addContentTypeParser(DSSE, options, async (_request: unknown, body: Buffer) => body)
    app.post('/v1/models/:model/outcomes', async ({ params, body }) => {
      if (!(body instanceof Uint8Array))
        throw new ParleyError('request.invalid', `the body is a DSSE envelope, as ${DSSE}`)
      return rollouts.report(nameOf(params, 'model'), body)
    })
    done()
  })

  void root.register((app, _options, done) => {
    app.addHook('onRequest', adminOnly(adminToken))
    app.get('/v1/models/:model/rollout', async ({ params, query }) => {
      const asked = parsed(z.looseObject({ alias }), query ?? {})
      return rollouts.state(nameOf(params, 'model'), asked.alias)
    })
    app.post('/v1/models/:model/rollout', async ({ params, body }) => {
      const { alias: name, ...rest } = parsed(rolloutBodies.apply, body)
      return rollouts.apply(nameOf(params, 'model'), name, rest)
    })
    done()
  })
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new ParleyError('request.invalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}
