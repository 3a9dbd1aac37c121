import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Trainer } from '../../client/training/ports.ts'
import type { RunView } from '../../core/run/view.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { addingTrainer, Federation, type FederationOptions } from '../support/federation.ts'
import { gate } from '../support/honest-round.ts'
import { planText } from '../support/plans.ts'
import { forgeUpdate, RawClient, upload } from '../support/raw-client.ts'
import { Started } from '../support/started.ts'

const plan = planText({ rounds: 2, count: { min: 2, max: 2 } })

let folder: string
let stops: (() => Promise<void>)[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-restart-'))
  stops = []
})
afterEach(async () => {
  for (const stop of stops.reverse()) await stop()
  await rm(folder, { recursive: true, force: true })
})

/** A coordinator in this folder, which can go away at any instant: what it had under way is not waited for. */
class Life {
  readonly federation: Federation
  readonly store: Store

  private constructor(federation: Federation, store: Store) {
    this.federation = federation
    this.store = store
  }

  static async begin(
    change: (store: Store) => Partial<Store> = () => ({}),
    options: FederationOptions = {},
  ): Promise<Life> {
    const store = await openDurableStore({ folder })
    const federation = new Federation({ store: { ...store, ...change(store), close: () => store.close() }, ...options })
    const life = new Life(federation, store)
    stops.push(() => life.end())
    await federation.coordinator.start()
    return life
  }

  async end(): Promise<void> {
    await this.federation.coordinator.stop()
    await this.store.close()
  }
}

/** Two clients that outlive the coordinators, and count what they do. */
class Clients {
  readonly trained: Record<string, number> = { a: 0, b: 0 }
  readonly evaluated: Record<string, number> = { a: 0, b: 0 }
  #life: Life

  constructor(life: Life, changed: Partial<Record<'a' | 'b', Partial<Trainer>>> = {}) {
    this.#life = life
    for (const [index, name] of (['a', 'b'] as const).entries()) {
      const trainer = { ...addingTrainer(1 + index / 3), ...changed[name] }
      const { node } = life.federation.addClient(
        name,
        {
          ...trainer,
          train: async (request) => {
            const result = await trainer.train(request)
            this.trained[name]!++
            return result
          },
          evaluate: async (weights, signal) => {
            const counts = await trainer.evaluate(weights, signal)
            this.evaluated[name]!++
            return counts
          },
        },
        { dials: [(signal) => this.#life.federation.dial(signal)] },
      )
      stops.push(() => node.stop())
    }
  }

  moveTo(life: Life): void {
    this.#life = life
  }
}

const phase =
  (name: RunView['phase'], round = 1) =>
  (view: RunView) =>
    view.phase === name && view.round === round

/** The weights of an undisturbed run. */
let undisturbed: string
beforeAll(async () => {
  const federation = new Federation({ store: memoryStore() })
  await federation.coordinator.start()
  for (const [index, name] of ['a', 'b'].entries()) federation.addClient(name, addingTrainer(1 + index / 3))
  const { run } = await federation.coordinator.startRun(plan)
  const { outcome } = await federation.view(run)
  undisturbed = outcome?.kind === 'published' ? outcome.weights : 'nothing was published'
  await federation.stop()
})

describe('a coordinator that goes away and comes back goes on with the run', () => {
  async function endsUndisturbed(life: Life, run: string, clients: Clients): Promise<void> {
    const view = await life.federation.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published', weights: undisturbed })
    expect(view.history.map(({ accepted }) => accepted)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
    expect(clients.trained).toEqual({ a: 2, b: 2 })
    expect(life.federation.fatal).toEqual([])
  }

  test('while it waits for clients', async () => {
    const first = await Life.begin()
    const { run } = await first.federation.coordinator.startRun(plan)
    await first.end()
    const second = await Life.begin()
    expect(await second.federation.coordinator.run(run)).toMatchObject({ phase: 'waiting', round: 1 })
    await endsUndisturbed(second, run, new Clients(second))
  })

  test('while it collects, and keeps the update that it has accepted', async () => {
    const first = await Life.begin()
    const held = gate()
    const honest = addingTrainer(1 + 1 / 3)
    const train: Trainer['train'] = async (request) => {
      await held.opened
      return honest.train(request)
    }
    const clients = new Clients(first, { b: { train } })
    const { run } = await first.federation.coordinator.startRun(plan)
    await first.federation.view(run, ({ engaged }) =>
      engaged.some((one) => one.client === 'a' && one.phase === 'accepted'),
    )
    await first.end()
    const second = await Life.begin()
    clients.moveTo(second)
    const { engaged } = await second.federation.coordinator.run(run)
    expect(engaged.map(({ client, phase }) => [client, phase])).toEqual([
      ['a', 'accepted'],
      ['b', 'invited'],
    ])
    held.open()
    await endsUndisturbed(second, run, clients)
  })

  test('while it aggregates', async () => {
    const held = gate()
    let calls = 0
    const first = await Life.begin((store) => ({
      blobs: Object.assign(Object.create(store.blobs) as Store['blobs'], {
        // The first blob that is written so is the base model; the second is the round's result.
        create: async () => {
          if (++calls === 2) await held.opened
          return store.blobs.create()
        },
        put: (bytes: Uint8Array) => store.blobs.put(bytes),
        size: (digest: string) => store.blobs.size(digest),
        read: (...args: Parameters<Store['blobs']['read']>) => store.blobs.read(...args),
      }),
    }))
    const clients = new Clients(first)
    const { run } = await first.federation.coordinator.startRun(plan)
    await first.federation.view(run, phase('aggregating'))
    await first.end()
    const second = await Life.begin()
    clients.moveTo(second)
    await endsUndisturbed(second, run, clients)
    held.open()
  })

  test('while it evaluates, and keeps the result that it has', async () => {
    const first = await Life.begin()
    const held = gate()
    const honest = addingTrainer(1)
    const evaluate: Trainer['evaluate'] = async (weights, signal) => {
      await held.opened
      return honest.evaluate(weights, signal)
    }
    const clients = new Clients(first, { b: { evaluate } })
    const { run } = await first.federation.coordinator.startRun(plan)
    await first.federation.view(run, ({ engaged }) => engaged.some(({ phase }) => phase === 'evaluated'))
    await first.end()
    const second = await Life.begin()
    clients.moveTo(second)
    expect((await second.federation.coordinator.run(run)).engaged.map(({ phase }) => phase)).toEqual([
      'evaluated',
      'evaluating',
    ])
    held.open()
    await endsUndisturbed(second, run, clients)
    expect(clients.evaluated).toEqual({ a: 2, b: 2 })
  })

  test('while it publishes, and publishes once', async () => {
    const published: string[] = []
    const hanging = gate()
    const first = await Life.begin(undefined, {
      publish: async () => {
        hanging.open()
        return new Promise<number>(() => {})
      },
    })
    const clients = new Clients(first)
    const { run } = await first.federation.coordinator.startRun(plan)
    await hanging.opened
    await first.end()
    const second = await Life.begin(undefined, {
      publish: async ({ weights }) => published.push(weights.digest),
    })
    clients.moveTo(second)
    await endsUndisturbed(second, run, clients)
    expect(published).toEqual([undisturbed])
  })

  test('and closes a window at its time, though nobody says a word', async () => {
    const first = await Life.begin()
    new Clients(first, { b: { train: () => new Promise(() => {}) } })
    const patient = planText({ rounds: 1, count: { min: 1, max: 2 }, time: { min: '2s' } })
    const { run } = await first.federation.coordinator.startRun(patient)
    await first.federation.view(run, ({ engaged }) => engaged.some(({ phase }) => phase === 'accepted'))
    await first.end()
    const second = await Life.begin()
    await second.federation.view(run, phase('evaluating'))
  })

  test('after its end it is over, as it was', async () => {
    const first = await Life.begin()
    const clients = new Clients(first)
    const { run } = await first.federation.coordinator.startRun(plan)
    const over = await first.federation.view(run)
    await first.end()
    const second = await Life.begin()
    clients.moveTo(second)
    const view = await second.federation.coordinator.run(run)
    expect({ ...view, engaged: [] }).toEqual({ ...over, engaged: [] })
    await endsUndisturbed(second, run, clients)
  })
})

test('a receipt that got lost with the coordinator is given again, and counts once', async () => {
  const start = async () => {
    const started = await Started.create({ store: await openDurableStore({ folder }) })
    stops.push(() => started.stop())
    return started
  }
  const first = await start()
  const client = await RawClient.open(first.url('grpc'), 'a')
  const other = await RawClient.open(first.url('ws'), 'b')
  const { run } = await first.running.api.startRun(plan)
  const update = forgeUpdate(await client.task(), 'a', Float32Array.of(1, 1, 1, 1))
  await client.send(update.header)
  await client.next('uploadReady')
  await client.send({ type: 'uploadChunk', digest: update.digest, offset: 0, data: update.sealed })
  // Accepted, and the client is gone before it has read so.
  await first.view(run, ({ engaged }) => engaged.some((one) => one.client === 'a' && one.phase === 'accepted'))
  client.close()
  other.close()
  await first.stop()
  const second = await start()
  const back = await RawClient.open(second.url('ws'), 'a')
  await back.send(update.header)
  expect(await back.nextOf('receipt', 'uploadReady')).toMatchObject({ type: 'receipt', accepted: true, round: 1 })
  expect(await upload(back, forgeUpdate({ ...(await taskAgain(second)) }, 'a', new Float32Array(4)))).toMatchObject({
    accepted: false,
    code: 'update.duplicate',
  })
  const { engaged } = await second.running.api.run(run)
  expect(engaged.filter(({ phase }) => phase === 'accepted')).toHaveLength(1)
  back.close()
})

/** The open task, as the other client of the cohort is offered it. */
async function taskAgain(started: Started) {
  const other = await RawClient.open(started.url('grpc'), 'b')
  const task = await other.task()
  other.close()
  return task
}

describe('a coordinator that is told to stop', () => {
  test('lets the open round end, opens no other, and another coordinator goes on with the next', async () => {
    const started = await Started.create({ store: await openDurableStore({ folder }) })
    stops.push(() => started.stop())
    const held = gate()
    const trainer = addingTrainer(1)
    const training = new Promise<void>((resolve) => {
      for (const [name, carrier] of [
        ['a', 'grpc'],
        ['b', 'ws'],
      ] as const) {
        started.addClient(name, carrier, {
          ...trainer,
          train: async (request) => {
            resolve()
            await held.opened
            return trainer.train(request)
          },
        })
      }
    })
    const { run } = await started.running.api.startRun(plan)
    await training
    const stopped = started.running.stop(60_000)
    expect(started.running.api.ready()).toBe(false)
    await expect(started.running.api.startRun(plan)).rejects.toMatchObject({ code: 'server.draining' })
    expect((await started.running.api.run(run)).phase).toBe('collecting')
    held.open()
    await stopped
    expect(await started.running.api.run(run)).toMatchObject({
      phase: 'waiting',
      round: 2,
      history: [{ accepted: ['a', 'b'] }],
    })
    const second = await Life.begin()
    expect(await second.federation.coordinator.run(run)).toMatchObject({ phase: 'waiting', round: 2 })
    second.federation.addClient('a', trainer)
    second.federation.addClient('b', trainer)
    expect((await second.federation.view(run)).outcome).toMatchObject({ kind: 'published' })
  })

  test('waits no longer for an open round than it was told, and loses nothing of it', async () => {
    const started = await Started.create({ store: await openDurableStore({ folder }) })
    stops.push(() => started.stop())
    started.addClient('a', 'grpc', addingTrainer(1))
    started.addClient('b', 'ws', { ...addingTrainer(1), train: () => new Promise(() => {}) })
    const { run } = await started.running.api.startRun(plan)
    await started.view(run, ({ engaged }) => engaged.some(({ phase }) => phase === 'accepted'))
    await started.running.stop(1)
    const second = await Life.begin()
    const view = await second.federation.coordinator.run(run)
    expect(view).toMatchObject({ phase: 'collecting', round: 1 })
    expect(view.engaged.find(({ client }) => client === 'a')).toMatchObject({ phase: 'accepted' })
  })
})

test('a second coordinator does not get the folder, and the first goes on', async () => {
  const first = await Life.begin()
  await expect(openDurableStore({ folder })).rejects.toMatchObject({ code: 'store.locked' })
  const { run } = await first.federation.coordinator.startRun(plan)
  new Clients(first)
  expect((await first.federation.view(run)).outcome).toMatchObject({ kind: 'published', weights: undisturbed })
})
