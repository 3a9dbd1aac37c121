import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { aliasField } from '../../core/attestation/alias-record.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { ENVELOPE_BYTES } from '../../core/release/envelope-json.ts'
import { adminOnly } from './auth.ts'
import { nameOf, numberOf } from './fields.ts'
import type { HttpDeps } from './options.ts'
import { registryBodies } from './registry-bodies.ts'

/** What operators do with versions. */
export function registryRoutes(root: FastifyInstance, deps: HttpDeps): void {
  const { registry, logger } = deps
  const { records } = deps.store
  void root.register((app, _options, done) => {
    app.addHook('onRequest', adminOnly(deps.adminToken))
    app.addContentTypeParser(
      'application/vnd.dsse.envelope.v1+json',
      { parseAs: 'buffer', bodyLimit: ENVELOPE_BYTES },
      async (_request: unknown, body: Buffer) => new Envelope(body),
    )

    app.post('/v1/models/:model/aliases/:alias', async ({ params, body }) => {
      const { version, rollout, ...rest } = bodyOf(registryBodies.promote, body)
      const target = { model: nameOf(params, 'model'), alias: aliasOf(params) }
      const { envelope: _, ...move } = await registry.promote({ ...target, ...rest, number: version, rollout })
      logger.info(move, 'an alias was moved')
      return move
    })

    app.post('/v1/models/:model/aliases/:alias/rollback', async ({ params, body }) => {
      const target = { model: nameOf(params, 'model'), alias: aliasOf(params) }
      const { envelope: _, ...move } = await registry.rollback({ ...target, ...bodyOf(registryBodies.rollback, body) })
      logger.info(move, 'an alias was moved back')
      return move
    })

    app.post('/v1/models/:model/versions/:number/state', async ({ params, body }) => {
      const target = { model: nameOf(params, 'model'), number: numberOf(params, 'number') }
      const state = await registry.setState({ ...target, ...bodyOf(registryBodies.state, body) })
      logger.info(state, 'the state of a version was changed')
      return state
    })

    app.post('/v1/models/:model/versions/:number/tags', async ({ params, body }) => {
      const target = { model: nameOf(params, 'model'), number: numberOf(params, 'number') }
      const change = await registry.tag({ ...target, ...bodyOf(registryBodies.tag, body) })
      if (change !== undefined) logger.info(change, 'a tag of a version was changed')
      return { change: change ?? null }
    })

    app.post('/v1/models/:model/versions/:number/approvals', async ({ params, body }) => {
      if (!(body instanceof Envelope)) {
        throw new ParleyError(
          'request.invalid',
          'the body is a DSSE envelope, as application/vnd.dsse.envelope.v1+json',
        )
      }
      const target = [nameOf(params, 'model'), numberOf(params, 'number')] as const
      const { envelope: _, ...approval } = await registry.approve(...target, body.bytes)
      logger.info(approval, 'a version was approved')
      return approval
    })

    app.get('/v1/models/:model/versions/:number/approvals', async ({ params }) => ({
      approvals: await records.approvals(nameOf(params, 'model'), numberOf(params, 'number')),
    }))

    app.post('/v1/garbage', async ({ body }) => {
      const garbage = await registry.collectGarbage(bodyOf(registryBodies.garbage, body))
      logger.info(garbage, 'blobs that nothing needs were removed')
      return garbage
    })

    app.get('/v1/models/:model/candidates', async ({ params }) => {
      const candidates = await records.candidates(nameOf(params, 'model'))
      return { candidates: candidates.map(({ gates, ...rest }) => ({ ...rest, ...(JSON.parse(gates) as object) })) }
    })
    done()
  })
}

class Envelope {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

function bodyOf<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new ParleyError('request.invalid', `the body: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function aliasOf(params: unknown): string {
  const alias = nameOf(params, 'alias')
  const parsed = aliasField.safeParse(alias)
  if (!parsed.success) throw new ParleyError('request.invalid', `alias: ${parsed.error.issues[0]?.message ?? ''}`)
  return alias
}
