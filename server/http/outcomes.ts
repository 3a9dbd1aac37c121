import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { aliasField } from '../../core/attestation/alias-record.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Rollouts } from '../registry/rollouts.ts'
import { actorOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { nameOf } from './fields.ts'
import type { HttpDeps } from './options.ts'
import { rolloutBodies } from './registry-bodies.ts'

const rolloutQuery = z.looseObject({ alias: aliasField.default('production') })
const DSSE = 'application/vnd.dsse.envelope.v1+json'

/** Reports of consumers, whom their signature lets in, and what operators see and do of what came of them. */
export function outcomesRoutes(root: FastifyInstance, { limits }: HttpDeps, rollouts: Rollouts): void {
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
    app.get('/v1/models/:model/rollout', async ({ params, query }) => {
      const asked = bodyOf(rolloutQuery, query ?? {})
      return rollouts.state(nameOf(params, 'model'), asked.alias)
    })
    app.post('/v1/models/:model/rollout', async (request) => {
      const { alias: name, actor, ...rest } = bodyOf(rolloutBodies.apply, request.body)
      return rollouts.apply(nameOf(request.params, 'model'), name, { ...rest, actor: actorOf(request, actor) })
    })
    done()
  })
}
