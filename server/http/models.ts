import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parseEnvelope } from '../../core/release/envelope-json.ts'
import { tagKeyField, tagLimits, tagValueField } from '../../core/release/tags.ts'
import { recordIn } from '../registry/alias-records.ts'
import { manifestIn } from '../registry/published.ts'
import type { AliasMove, Records, VersionRecord } from '../store/ports.ts'
import { nameOf, numberOf } from './fields.ts'
import { answerFile } from './files.ts'
import type { HttpDeps } from './options.ts'

/** What everybody may read: models, their versions, aliases and files. */
export function modelRoutes(app: FastifyInstance, deps: HttpDeps): void {
  const { records } = deps.store

  app.get('/v1/models', async () => ({ models: await Promise.all((await records.models()).map(summaryOf)) }))

  async function summaryOf(model: string) {
    const versions = await records.versions(model)
    return { model, versions: versions.length, aliases: newest(await records.aliasHistory(model)).map(holderOf) }
  }

  app.get('/v1/models/:model', async ({ params }) => {
    const model = nameOf(params, 'model')
    const versions = await records.versions(model)
    if (versions.length === 0) throw new ParleyError('object.not-found', 'there is no version of this model')
    const history = await records.aliasHistory(model)
    const states = await records.versionStates(model)
    return {
      model,
      versions: versions.map(shortForm),
      aliases: newest(history).map(holderOf),
      history: history.map(withoutEnvelope),
      states,
    }
  })

  app.get('/v1/models/:model/aliases/:alias', async ({ params }) => {
    const move = await records.alias(nameOf(params, 'model'), nameOf(params, 'alias'))
    if (move === undefined) throw new ParleyError('object.not-found', 'there is no such alias of this model')
    return withoutEnvelope(move)
  })

  app.get('/v1/models/:model/versions/:number', async ({ params }, reply) => {
    const { envelope } = await versionOf(records, params)
    return reply.type('application/json; charset=utf-8').send(signedText(envelope))
  })

  app.get('/v1/models/:model/versions/:number/tags', async ({ params }) => {
    const { model, number } = await versionOf(records, params)
    const [tags, changes] = await Promise.all([
      records.tags({ model, number }, tagLimits.perVersion),
      records.tagChanges(model, number),
    ])
    return { tags: tags.map(({ key, value }) => ({ key, value })), changes: changes.slice(-MOST_CHANGES) }
  })

  app.get('/v1/tags', async ({ query }) => {
    const tags = await records.tags(tagFilterOf(query), MOST_TAGS + 1)
    return { tags: tags.slice(0, MOST_TAGS), more: tags.length > MOST_TAGS }
  })

  app.get('/v1/models/:model/versions/:number/envelope', async ({ params }, reply) => {
    const { envelope } = await versionOf(records, params)
    return reply.type('application/json; charset=utf-8').send(envelope)
  })

  const filesPath = '/v1/models/:model/versions/:number/files/*'
  for (const method of ['HEAD', 'GET'] as const) {
    app.route({
      method,
      url: filesPath,
      // The framework's own HEAD would read the whole file and throw it away.
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const { envelope } = await versionOf(records, request.params)
        const path = pathOf(request.params)
        const file = manifestIn(envelope).files.find((one) => one.path === path)
        if (file === undefined) throw new ParleyError('object.not-found', 'the version has no such file')
        const name = path.slice(path.lastIndexOf('/') + 1)
        return answerFile(deps, { digest: file.sha256, name, type: typeOf(name) }, request, reply)
      },
    })
  }
}

/** So many tags of all versions are in one answer, and so many changes of one version's. */
const MOST_TAGS = 1_000
const MOST_CHANGES = 1_000

const tagFilterSchema = z.object({ key: tagKeyField.optional(), value: tagValueField.optional() })

function tagFilterOf(query: unknown): z.output<typeof tagFilterSchema> {
  const parsed = tagFilterSchema.safeParse(query ?? {})
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new ParleyError('request.invalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
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

/** Types that say what a file is; none that a browser would run. */
const types: Readonly<Record<string, string>> = {
  json: 'application/json; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
  yaml: 'application/yaml',
  svg: 'image/svg+xml',
  sig: 'application/vnd.dev.sigstore.bundle.v0.3+json',
}

function typeOf(name: string): string {
  return types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}

function pathOf(params: unknown): string {
  const path = typeof params === 'object' && params !== null ? Reflect.get(params, '*') : undefined
  return typeof path === 'string' ? path : ''
}

function shortForm({ number, weights, run, round, publishedAt }: VersionRecord): object {
  return { number, weights, run, round, publishedAt }
}

/** The signed record is served by itself. */
function withoutEnvelope({ envelope: _, ...rest }: AliasMove): Omit<AliasMove, 'envelope'> {
  return rest
}

/** Where an alias points, and which share of the consumers gets another version, which its signed record says. */
function holderOf(move: AliasMove) {
  const rollout = move.envelope === '' ? undefined : recordIn(nodeCrypto, move.envelope).record.rollout
  const split = rollout && { rollout: rollout.id, number: rollout.number, share: rollout.share }
  return { ...withoutEnvelope(move), ...(split === undefined ? {} : { split }) }
}

/** Where each alias points now. */
function newest(history: readonly AliasMove[]): readonly AliasMove[] {
  return history.filter(({ alias, sequence }) => !history.some((one) => one.alias === alias && one.sequence > sequence))
}
