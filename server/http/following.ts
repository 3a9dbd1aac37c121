import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { resolveAlias } from '../../core/attestation/alias-record.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { recordIn } from '../registry/alias-records.ts'
import type { RegistryEvent } from '../registry/registry.ts'
import type { AliasMove } from '../store/ports.ts'
import { type NamedEvent, sendEvents } from './events.ts'
import { nameOf } from './fields.ts'
import type { HttpDeps } from './options.ts'
import { namesTag } from './range.ts'

/** Consumers that follow by a stream at a time; more of them ask now and then. */
export const FOLLOWERS = 1_000

/** How consumers learn where aliases point: signed records, by asking or as they come. */
export function followingRoutes(app: FastifyInstance, deps: HttpDeps, streams: Set<AbortController>): void {
  const { registry, clock, limits, logger } = deps
  const { records } = deps.store

  async function moveOf(params: unknown): Promise<AliasMove> {
    const move = await records.alias(nameOf(params, 'model'), nameOf(params, 'alias'))
    if (move === undefined) throw new ParleyError('object.not-found', 'there is no such alias of this model')
    return move
  }

  app.get('/v1/models/:model/aliases/:alias/record', async ({ params, headers }, reply) => {
    const { envelope } = await moveOf(params)
    const tag = `"${createHash('sha256').update(envelope).digest('hex')}"`
    void reply.headers({ etag: tag, 'cache-control': 'no-cache' })
    if (namesTag(headers['if-none-match'], tag)) return reply.code(304).send()
    return reply.type('application/json; charset=utf-8').send(envelope)
  })

  app.get('/v1/models/:model/resolve', async ({ params, query }) => {
    const model = nameOf(params, 'model')
    const { alias = 'production', consumer } = (query ?? {}) as { alias?: string; consumer?: string }
    const move = await moveOf({ model, alias })
    const { record } = recordIn(nodeCrypto, move.envelope)
    const id = consumer === undefined ? undefined : nameOf({ consumer }, 'consumer')
    return { ...resolveAlias(nodeCrypto, record, id), sequence: record.sequence, notAfter: record.expires }
  })

  app.get('/v1/models/:model/withdrawn', async ({ params }) => {
    const states = await records.versionStates(nameOf(params, 'model'))
    const numbers = [...new Set(states.map(({ number }) => number))]
    return {
      numbers: numbers.filter((number) => states.findLast((one) => one.number === number)?.state === 'withdrawn'),
    }
  })

  app.get('/v1/models/:model/events', async ({ params }, reply) => {
    const model = nameOf(params, 'model')
    if ((await records.versions(model)).length === 0) {
      throw new ParleyError('object.not-found', 'there is no version of this model')
    }
    if (streams.size >= FOLLOWERS) throw new ParleyError('session.too-many', 'too many followers')
    const abort = new AbortController()
    streams.add(abort)
    const { signal } = abort
    reply.raw.on('close', () => abort.abort())
    reply.hijack()
    try {
      const events = eventsOf(model, signal)
      await sendEvents(events, reply.raw, { clock, stallMs: limits.stallMs, heartbeatMs: 15_000 })
    } catch (failure) {
      logger.info({ model, err: failure }, 'a stream of alias records ended')
      reply.raw.destroy()
    } finally {
      streams.delete(abort)
    }
  })

  /** The present records at once, then what happens. Following begins first, so that nothing falls between. */
  async function* eventsOf(model: string, signal: AbortSignal): AsyncGenerator<NamedEvent> {
    const waiting: RegistryEvent[] = []
    let wake = () => {}
    const leave = registry.follow((event) => {
      if (event.model === model) waiting.push(event)
      wake()
    })
    signal.addEventListener('abort', () => wake())
    try {
      const history = await records.aliasHistory(model)
      for (const alias of new Set(history.map((move) => move.alias))) {
        const last = history.findLast((move) => move.alias === alias)
        if (last !== undefined && last.envelope !== '') yield aliasEvent(last)
      }
      while (!signal.aborted) {
        const event = waiting.shift()
        if (event === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        } else if (event.type === 'alias') yield aliasEvent(event.move)
        else if (event.state.state === 'withdrawn') {
          yield { event: 'withdrawn', data: JSON.stringify({ number: event.state.number }) }
        }
      }
    } finally {
      leave()
    }
  }
}

function aliasEvent({ sequence, envelope }: AliasMove): NamedEvent {
  return { event: 'alias', id: String(sequence), data: envelope }
}
