import type { FastifyInstance } from 'fastify'
import { aliasField } from '../../core/attestation/alias-record.ts'
import { readApproval } from '../../core/attestation/approval.ts'
import { parseDsse } from '../../core/attestation/dsse.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { ENVELOPE_BYTES } from '../../core/release/envelope-json.ts'
import type { KnownCaller } from '../members/caller.ts'
import { actorOf, callerOf } from './auth.ts'
import { bodyOf } from './body.ts'
import { nameOf, numberOf } from './fields.ts'
import type { HttpDeps } from './options.ts'
import { promotion } from './promotion.ts'
import { registryBodies } from './registry-bodies.ts'
import { waiting } from './two-people.ts'

/** What operators do with versions. */
export function registryRoutes(root: FastifyInstance, deps: HttpDeps): void {
  const { registry, logger } = deps
  const { records } = deps.store
  const promote = promotion(deps)
  void root.register((app, _options, done) => {
    app.addContentTypeParser(
      'application/vnd.dsse.envelope.v1+json',
      { parseAs: 'buffer', bodyLimit: ENVELOPE_BYTES },
      async (_request: unknown, body: Buffer) => new Envelope(body),
    )

    app.post('/v1/models/:model/aliases/:alias', async (request, reply) => {
      const { actor, ...body } = bodyOf(registryBodies.promote, request.body)
      actorOf(request, actor)
      const target = { model: nameOf(request.params, 'model'), alias: aliasOf(request.params) }
      const answer = await promote(callerOf(request), { ...target, ...body })
      if ('done' in answer) return answer.done
      return waiting(reply, answer.request)
    })

    app.post('/v1/models/:model/aliases/:alias/rollback', async (request) => {
      const target = { model: nameOf(request.params, 'model'), alias: aliasOf(request.params) }
      const { actor, ...body } = bodyOf(registryBodies.rollback, request.body)
      const { envelope: _, ...move } = await registry.rollback({ ...target, ...body, actor: actorOf(request, actor) })
      logger.info(move, 'an alias was moved back')
      return move
    })

    app.post('/v1/models/:model/versions/:number/state', async (request) => {
      const target = { model: nameOf(request.params, 'model'), number: numberOf(request.params, 'number') }
      const { actor, ...body } = bodyOf(registryBodies.state, request.body)
      const state = await registry.setState({ ...target, ...body, actor: actorOf(request, actor) })
      logger.info(state, 'the state of a version was changed')
      return state
    })

    app.post('/v1/models/:model/versions/:number/tags', async (request) => {
      const target = { model: nameOf(request.params, 'model'), number: numberOf(request.params, 'number') }
      const { actor, ...body } = bodyOf(registryBodies.tag, request.body)
      const change = await registry.tag({ ...target, ...body, actor: actorOf(request, actor) })
      if (change !== undefined) logger.info(change, 'a tag of a version was changed')
      return { change: change ?? null }
    })

    app.post('/v1/models/:model/versions/:number/approvals', async (request) => {
      const { params, body } = request
      if (!(body instanceof Envelope)) {
        throw new ParleyError(
          'request.invalid',
          'the body is a DSSE envelope, as application/vnd.dsse.envelope.v1+json',
        )
      }
      checkOwnWord(callerOf(request), body.bytes)
      const target = [nameOf(params, 'model'), numberOf(params, 'number')] as const
      const { envelope: _, ...approval } = await registry.approve(...target, body.bytes, callerOf(request).id)
      logger.info(approval, 'a version was approved')
      return approval
    })

    app.get('/v1/models/:model/versions/:number/approvals', async ({ params }) => ({
      approvals: await records.approvals(nameOf(params, 'model'), numberOf(params, 'number')),
    }))

    app.post('/v1/garbage', async (request) => {
      const garbage = await registry.collectGarbage(bodyOf(registryBodies.garbage, request.body), callerOf(request).id)
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

/**
 * Whose word an approval is, its signature says; a member brings its own and nobody else's. Throws `auth.identity-mismatch`.
 * What cannot be read is refused where it is verified.
 */
function checkOwnWord(caller: KnownCaller, envelope: Uint8Array): void {
  if (caller.kind === 'host') return
  const claimed = claimedBy(envelope)
  if (claimed !== undefined && claimed !== caller.name && claimed !== caller.id) {
    throw new ParleyError('auth.identity-mismatch', `you are ${caller.name}, and the approval is by another member`)
  }
}

function claimedBy(envelope: Uint8Array): string | undefined {
  try {
    return readApproval(parseDsse(envelope, { canonical: true }).payload).predicate.verifier.id
  } catch {
    return undefined
  }
}

function aliasOf(params: unknown): string {
  const alias = nameOf(params, 'alias')
  const parsed = aliasField.safeParse(alias)
  if (!parsed.success) throw new ParleyError('request.invalid', `alias: ${parsed.error.issues[0]?.message ?? ''}`)
  return alias
}
