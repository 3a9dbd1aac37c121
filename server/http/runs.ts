import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { actorOfId } from '../../core/audit/actor.ts'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import { listingOf } from '../../core/run/listing.ts'
import { participationOf } from '../../core/run/participation.ts'
import type { RunView } from '../../core/run/view.ts'
import type { RecomputeRequest } from '../rounds/recompute.ts'
import { callerOf } from './auth.ts'
import { sendEvents } from './events.ts'
import { nameOf, numberOf } from './fields.ts'
import { changedListings } from './listings.ts'
import type { HttpDeps } from './options.ts'
import { twoPeople, waiting } from './two-people.ts'

/** Open event streams at a time. */
export const EVENT_STREAMS = 100

/** The newest runs of one client that are told of. */
const MOST_PARTICIPATIONS = 100

const reasonSchema = z.strictObject({ reason: z.string().trim().min(1).max(1_000) })

/** What operators do with runs. `streams` holds what ends each open event stream. */
export function runRoutes(root: FastifyInstance, deps: HttpDeps, streams: Set<AbortController>): void {
  const { api, limits, logger, people } = deps
  const start = twoPeople<{ readonly plan: string }>(people, {
    name: 'run.start',
    permission: 'run.start',
    confirmedBy: ['run.start', 'version.approve'],
    perform: async ({ plan }, by) => {
      const view = await api.startRun(plan, actorOfId(by.id))
      logger.info({ run: view.run, model: view.model, plan: view.plan, actor: by.id }, 'a run was started over HTTP')
      return view
    },
  })
  void root.register((app, _options, done) => {
    app.addContentTypeParser(
      ['application/yaml', 'application/x-yaml', 'text/yaml'],
      { parseAs: 'buffer', bodyLimit: limits.planBytes },
      async (_request: unknown, body: Buffer) => new PlanText(body),
    )

    app.post('/v1/runs', async (request, reply) => {
      const caller = callerOf(request)
      const plan = planOf(request.body)
      // Nobody is asked to confirm what is no plan.
      if (people?.fourEyes.needed('run.start', caller) === true) parsePlan(plan)
      const answer = await start(caller, { plan })
      if ('request' in answer) return waiting(reply, answer.request)
      const { run } = answer.done as RunView
      return reply.code(201).header('location', `/v1/runs/${run}`).send(answer.done)
    })

    app.post('/v1/runs/dry-run', async ({ body }) => api.dryRun(planOf(body)))

    app.get('/v1/runs', async () => ({ runs: (await api.runs()).map(listingOf) }))

    app.get('/v1/clients/:id/runs', async ({ params }) => {
      const client = nameOf(params, 'id')
      const runs = (await api.runs()).flatMap((view) => participationOf(view, client) ?? [])
      return { client, runs: runs.slice(0, MOST_PARTICIPATIONS) }
    })

    app.get('/v1/runs/:id', async ({ params }) => api.run(nameOf(params, 'id')))

    app.get('/v1/runs/:id/journal', async ({ params, query }) => {
      const entries = (query as { entries?: string } | null)?.entries
      return deps.registry.journal(
        nameOf(params, 'id'),
        entries === undefined ? undefined : numberOf({ entries }, 'entries'),
      )
    })

    const steered = [
      ['pause', 'a run was paused over HTTP', api.pauseRun],
      ['resume', 'a run was resumed over HTTP', api.resumeRun],
      ['stop', 'a run was stopped over HTTP', api.stopRun],
    ] as const
    for (const [act, words, perform] of steered) {
      app.post(`/v1/runs/:id/${act}`, async (request) => {
        const { params, body } = request
        const id = nameOf(params, 'id')
        const parsed = reasonSchema.safeParse(body)
        if (!parsed.success)
          throw new ParleyError('request.invalid', 'the body is {"reason": "…"}, as application/json')
        const { reason } = parsed.data
        const by = callerOf(request).id
        const view = await perform.call(api, id, reason, actorOfId(by))
        logger.info({ run: id, reason, actor: by }, words)
        return view
      })
    }

    app.post('/v1/runs/:id/rounds/:round/recompute', async (request) => {
      const { params, body } = request
      const id = nameOf(params, 'id')
      const round = numberOf(params, 'round')
      // What is in it is checked where it is understood.
      const by = actorOfId(callerOf(request).id)
      const result = await api.recompute(id, round, (body ?? {}) as RecomputeRequest, by)
      logger.info(
        { run: id, round, without: result.without, identical: result.identical },
        'a round was computed again',
      )
      return result
    })

    async function stream(reply: FastifyReply, values: (signal: AbortSignal) => AsyncIterable<unknown>, what: object) {
      if (streams.size >= EVENT_STREAMS) throw new ParleyError('session.too-many', 'too many open event streams')
      const ended = new AbortController()
      streams.add(ended)
      reply.hijack()
      const response = reply.raw
      response.on('close', () => ended.abort())
      const options = { clock: deps.clock, stallMs: limits.stallMs, heartbeatMs: limits.idleMs / 3 }
      try {
        await sendEvents(asValues(values(ended.signal)), response, options)
      } catch (failure) {
        logger.debug({ err: failure, ...what }, 'an event stream was broken off')
        response.destroy()
      } finally {
        ended.abort()
        streams.delete(ended)
      }
    }

    app.get('/v1/runs/events', { exposeHeadRoute: false }, async (_request, reply) =>
      stream(reply, (signal) => changedListings(api.watchAll(signal), deps.clock, signal), { run: 'all' }),
    )

    app.get('/v1/runs/:id/events', { exposeHeadRoute: false }, async ({ params }, reply) => {
      const id = nameOf(params, 'id')
      // Before the head is out, so that an unknown run is answered as such.
      await api.run(id)
      return stream(reply, (signal) => api.watch(id, signal), { run: id })
    })
    done()
  })
}

function planOf(body: unknown): string {
  if (body instanceof PlanText) return body.text()
  throw new ParleyError('request.invalid', 'the body is a plan, as application/yaml')
}

/** The body of a request that says it is YAML: a JSON text is not taken for a plan because it looks like one. */
class PlanText {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  text(): string {
    try {
      return fromUtf8(this.#bytes)
    } catch (cause) {
      throw new ParleyError('plan.unreadable', 'the plan is not UTF-8', { cause })
    }
  }
}

async function* asValues(views: AsyncIterable<unknown>): AsyncGenerator<{ readonly value: unknown }> {
  for await (const value of views) yield { value }
}
