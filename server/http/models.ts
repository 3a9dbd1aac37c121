import type { FastifyInstance } from 'fastify'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parseEnvelope } from '../../core/release/envelope-json.ts'
import type { AliasMove, Records, VersionRecord } from '../store/ports.ts'
import { nameOf, numberOf } from './fields.ts'
import type { HttpDeps } from './options.ts'
import { answerWeights } from './weights.ts'

/** What everybody may read: models, their versions, aliases and files. */
export function modelRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { records } = deps.store

  app.get('/v1/models', async () => ({ models: await Promise.all((await records.models()).map(summaryOf)) }))

  async function summaryOf(model: string) {
    const versions = await records.versions(model)
    return { model, versions: versions.length, aliases: newest(await records.aliasHistory(model)) }
  }

  app.get('/v1/models/:model', async ({ params }) => {
    const model = nameOf(params, 'model')
    const versions = await records.versions(model)
    if (versions.length === 0) throw new ParleyError('object.not-found', 'there is no version of this model')
    const history = await records.aliasHistory(model)
    return { model, versions: versions.map(shortForm), aliases: newest(history), history }
  })

  app.get('/v1/models/:model/aliases/:alias', async ({ params }) => {
    const move = await records.alias(nameOf(params, 'model'), nameOf(params, 'alias'))
    if (move === undefined) throw new ParleyError('object.not-found', 'there is no such alias of this model')
    return move
  })

  app.get('/v1/models/:model/versions/:number', async ({ params }, reply) => {
    const { envelope } = await versionOf(records, params)
    return reply.type('application/json; charset=utf-8').send(signedText(envelope))
  })

  app.get('/v1/models/:model/versions/:number/envelope', async ({ params }, reply) => {
    const { envelope } = await versionOf(records, params)
    return reply.type('application/json; charset=utf-8').send(envelope)
  })

  const weightsPath = '/v1/models/:model/versions/:number/weights'
  for (const method of ['HEAD', 'GET'] as const) {
    app.route({
      method,
      url: weightsPath,
      // The framework's own HEAD would read the whole file and throw it away.
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const { weights } = await versionOf(records, request.params)
        return answerWeights(deps, weights, request, reply)
      },
    })
  }
}

async function versionOf(records: Records, params: unknown): Promise<VersionRecord> {
  const version = await records.version(nameOf(params, 'model'), numberOf(params, 'number'))
  if (version === undefined) throw new ParleyError('object.not-found', 'there is no such version of this model')
  return version
}

/** The manifest byte for byte as it was signed. */
function signedText(envelope: string): string {
  const [first] = parseEnvelope(utf8(envelope))
  if (first === undefined) throw new ParleyError('store.corrupt', 'the envelope of a version is empty')
  return fromUtf8(first.payload)
}

function shortForm({ number, weights, run, round, publishedAt }: VersionRecord): object {
  return { number, weights, run, round, publishedAt }
}

/** Where each alias points now. */
function newest(history: readonly AliasMove[]): readonly AliasMove[] {
  return history.filter(({ alias, sequence }) => !history.some((one) => one.alias === alias && one.sequence > sequence))
}
