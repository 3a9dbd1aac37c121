/** Clients with policies of their own, and a coordinator, over real carriers. */
import { rm } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { ClientEvent, ClientOptions } from '../../../client/node/options.ts'
import type { Trainer } from '../../../client/training/ports.ts'
import { addingTrainer } from '../../support/federation.ts'
import { maskingOf } from '../../support/masking.ts'
import { planOf, planText } from '../../support/plans.ts'
import { Started } from '../../support/started.ts'
import { digestOf, tinyAllowed } from './policies.ts'
import { Site, studyOf } from './site.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const rows = { train: 10, heldOut: 5 }
const allowing = (change: object = {}) => studyOf({ allow: { ...tinyAllowed, minCohort: 1, maxRounds: 9, ...change } })
/** A round ends once nobody is left who could still answer. */
const either = { count: { min: 1, max: 2 }, time: { min: '30s', max: '60s' } }

async function site(name: string, studies: object, rest?: object): Promise<Site> {
  const made = await Site.create(name, studies, rest)
  stops.push(() => made.remove())
  return made
}

async function federation(clients: readonly string[] = ['a', 'b']): Promise<Started> {
  const started = await Started.create({ clients })
  stops.push(() => started.stop())
  return started
}

function withResolvers() {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** A client under a site's policy, once it is connected, with what it tells. */
async function join(started: Started, one: Site, trainer: Partial<Trainer> = {}, options: Partial<ClientOptions> = {}) {
  const events: ClientEvent[] = []
  const waiting: { until: (event: ClientEvent) => boolean; then: () => void }[] = []
  const node = started.addClient(
    one.name,
    one.name === 'a' ? 'grpc' : 'ws',
    { ...addingTrainer(1), ...trainer, rows: trainer.rows ?? rows },
    {
      ...options,
      policy: await one.policy(),
      onEvent: (event) => {
        events.push(event)
        for (const { until, then } of waiting) if (until(event)) then()
      },
    },
  )
  const next = (until: (event: ClientEvent) => boolean) =>
    events.some(until) ? Promise.resolve() : new Promise<void>((then) => waiting.push({ until, then }))
  await next(({ type }) => type === 'connected')
  return { node, events, next }
}

test('a client that holds a plan is not waited for, and takes part in the round after a person approved it', async () => {
  const [a, b] = [await site('a', { tiny: allowing() }), await site('b', {})]
  const started = await federation()
  const held = withResolvers()
  const slow = addingTrainer(1)
  // The first round ends when the other site has looked at the plan.
  await join(started, a, { train: (request) => held.promise.then(() => slow.train(request)) })
  const second = await join(started, b)
  const plan = planText(either)
  const { run } = await started.running.api.startRun(plan)
  await second.next(({ type }) => type === 'declined')
  const [review] = await b.reviews()
  expect(review).toMatchObject({ plan: { name: 'tiny' }, held: { run, round: 1, cohort: 2, parameters: 4 } })
  await b.decide(review!.digest, { data: 'heart' })
  // It comes again by itself, to be asked again.
  await second.next(() => second.events.filter(({ type }) => type === 'connected').length > 1)
  held.resolve()
  const { history } = await started.view(run)
  expect(history.map(({ accepted }) => accepted)).toEqual([['a'], ['a', 'b']])
  expect(history[0]!.refused).toEqual([
    { client: 'b', code: 'node.plan-held', message: 'no study of the site’s policy covers the plan tiny' },
  ])
  expect(
    second.events.filter(({ type }) => type === 'receipt').map((event) => 'kind' in event && event.kind),
  ).toContain('train')
})

test('a run waits for as long as all of its clients hold the plan, and goes on by itself once people have approved it', async () => {
  const sites = [await site('a', {}), await site('b', {})]
  const started = await federation()
  for (const one of sites) await join(started, one)
  const { run } = await started.running.api.startRun(planText({ rounds: 1 }))
  const waits = await started.view(run, ({ phase, holding = [] }) => phase === 'waiting' && holding.length === 2)
  expect(waits.holding).toEqual(['a', 'b'])
  expect(waits.history).toMatchObject([{ accepted: [], failure: { code: 'round.quorum' } }])
  for (const one of sites) await one.decide((await one.reviews())[0]!.digest, { data: 'heart' })
  const over = await started.view(run)
  expect(over).not.toHaveProperty('holding')
  // The one that nobody took part in was held again.
  expect(over).toMatchObject({ round: 2, rounds: 2, outcome: { kind: 'published' } })
  expect(over.history.at(-1)).toMatchObject({ accepted: ['a', 'b'] })
})

test('a client that holds a masked plan has left it before it shared anything: the others are summed', async () => {
  const names = ['a', 'b', 'c', 'd']
  const started = await federation(names)
  for (const name of names) {
    const one = await site(name, name === 'd' ? {} : { tiny: allowing({ modes: ['masked'] }) })
    await join(started, one, addingTrainer(0.1), maskingOf(names))
  }
  const extra = 'privacy: { mode: masked, threshold: { dropout: 0 } }'
  const { run } = await started.running.api.startRun(
    planText({ rounds: 1, count: { min: 3, max: 4 }, time: { max: '60s' }, extra }),
  )
  const [round] = (await started.view(run)).history
  expect(round?.accepted).toEqual(['a', 'b', 'c'])
  expect(round?.refused).toMatchObject([{ client: 'd', code: 'node.plan-held' }])
  expect(round?.weights).toBeDefined()
})

test('a plan whose digest changed after it was approved is another plan', async () => {
  const [a, b] = [await site('a', { tiny: allowing() }), await site('b', {})]
  const first = planOf({ ...either, rounds: 1 })
  await b.decide(digestOf(first), { data: 'heart' })
  const started = await federation()
  await join(started, a)
  await join(started, b)
  const runOf = async (rounds: number) =>
    await started.view((await started.running.api.startRun(planText({ ...either, rounds }))).run)
  expect((await runOf(1)).history[0]?.accepted).toEqual(['a', 'b'])
  expect((await runOf(2)).history.map(({ accepted }) => accepted)).toEqual([['a'], ['a']])
  expect((await b.reviews()).map(({ digest }) => digest)).toEqual([digestOf(planOf({ ...either, rounds: 2 }))])
})

test('a person’s refusal reaches the coordinator with its reason', async () => {
  const [a, b] = [await site('a', { tiny: allowing() }), await site('b', { tiny: allowing() })]
  await b.decide(digestOf(planOf({ ...either, rounds: 1 })), { decision: 'refuse', reason: 'no ethics vote' })
  const started = await federation()
  await join(started, a)
  await join(started, b)
  const { run } = await started.running.api.startRun(planText({ ...either, rounds: 1 }))
  const { history } = await started.view(run)
  expect(history[0]?.refused).toEqual([
    { client: 'b', code: 'node.plan-refused', message: 'the site refused the plan: no ethics vote' },
  ])
})

test('what was done on a day is counted over a restart, and not on the next day', async () => {
  const a = await site('a', { tiny: allowing() })
  const b = await site('b', { tiny: { ...allowing(), perDay: { rounds: 1 } } }, { timeZone: 'Europe/Zurich' })
  const started = await federation()
  await join(started, a)
  const acceptedIn = async () => {
    const { node } = await join(started, b)
    const { run } = await started.running.api.startRun(planText({ ...either, rounds: 1 }))
    const view = await started.view(run)
    await node.stop()
    return view.history[0]
  }
  expect((await acceptedIn())?.accepted).toEqual(['a', 'b'])
  const again = await acceptedIn()
  expect(again?.accepted).toEqual(['a'])
  expect(again?.refused[0]).toMatchObject({
    code: 'node.plan-refused',
    message: expect.stringContaining('perDay.rounds'),
  })
  // Still the same day in UTC, and the next one in Zurich.
  b.now = Date.parse('2026-12-02T23:30:00Z')
  expect((await acceptedIn())?.accepted).toEqual(['a', 'b'])
})

describe('a client trains for nobody', () => {
  const trained = async (b: Site, trainer: Partial<Trainer> = {}) => {
    let worked = 0
    const adding = addingTrainer(1)
    const started = await federation()
    await join(started, await site('a', { tiny: allowing() }))
    await join(started, b, {
      train: (request) => {
        worked++
        return adding.train(request)
      },
      ...trainer,
    })
    const { run } = await started.running.api.startRun(planText({ ...either, rounds: 1 }))
    const { history } = await started.view(run)
    return { worked, refused: history[0]?.refused[0], accepted: history[0]?.accepted }
  }

  test('without a policy', async () => {
    const b = await site('b', { tiny: allowing() })
    await rm(b.path('policy.yaml'))
    const { worked, refused } = await trained(b)
    expect(worked).toBe(0)
    expect(refused).toMatchObject({
      client: 'b',
      code: 'node.plan-refused',
      message: expect.stringMatching(/policy\.absent$/),
    })
    expect(b.invalid.map(({ code }) => code)).toEqual(['policy.absent'])
  })

  test('on fewer rows than the policy asks for', async () => {
    const { worked, refused } = await trained(await site('b', { tiny: allowing() }), { rows: { train: 9, heldOut: 5 } })
    expect(worked).toBe(0)
    expect(refused).toMatchObject({ message: expect.stringContaining('rows.train') })
  })

  test('once its policy was taken away while it trained: nothing is sent', async () => {
    const b = await site('b', { tiny: allowing() })
    const adding = addingTrainer(1)
    const { accepted, refused } = await trained(b, {
      train: async (request) => {
        await rm(b.path('policy.yaml'))
        return adding.train(request)
      },
    })
    expect(accepted).toEqual(['a'])
    expect(refused).toMatchObject({ client: 'b', message: expect.stringContaining('policy.absent') })
  })
})

test('a client that was given no policy declines, and says so', async () => {
  const started = await federation()
  await join(started, await site('a', { tiny: allowing() }))
  const ready = withResolvers()
  started.addClient('b', 'ws', addingTrainer(1), {
    unsafeAllowAnyPlan: false,
    onEvent: ({ type }) => type === 'connected' && ready.resolve(),
  })
  await ready.promise
  const { run } = await started.running.api.startRun(planText({ ...either, rounds: 1 }))
  const { history } = await started.view(run)
  expect(history[0]?.refused).toEqual([
    { client: 'b', code: 'node.plan-refused', message: 'this client has no policy, and so allows nothing' },
  ])
})
