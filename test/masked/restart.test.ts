/** Masked rounds whose coordinator, or a client of which, goes away in the middle of a step. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Trainer } from '../../client/training/ports.ts'
import type { RunView } from '../../core/run/view.ts'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { addingTrainer, Federation, storedWeights } from '../support/federation.ts'
import { gate } from '../support/honest-round.ts'
import { maskingOf, Recorder, stepOf } from '../support/masking.ts'
import { planText } from '../support/plans.ts'

const names = ['a', 'b', 'c', 'd'] as const
type Name = (typeof names)[number]
const plan = planText({ rounds: 2, count: { min: 4, max: 4 }, extra: 'privacy: { mode: masked }' })

let folder: string
let memory: Store | undefined
let stops: (() => Promise<void>)[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-masked-restart-'))
  memory = memoryStore()
  stops = []
})
afterEach(async () => {
  for (const stop of stops.reverse()) await stop()
  await rm(folder, { recursive: true, force: true })
})

/** Coordinators on one store, of which each can go away at any instant: on disk, or in memory, which is faster. */
class Life {
  readonly federation: Federation
  readonly store: Store

  private constructor(federation: Federation, store: Store) {
    this.federation = federation
    this.store = store
  }

  static async begin(change: (store: Store) => Partial<Store> = () => ({})): Promise<Life> {
    const store = memory ?? (await openDurableStore({ folder }))
    const federation = new Federation({
      store: { ...store, ...change(store), close: async () => (store === memory ? undefined : store.close()) },
    })
    const life = new Life(federation, store)
    stops.push(() => life.end())
    await federation.coordinator.start()
    return life
  }

  async end(): Promise<void> {
    await this.federation.coordinator.stop()
    if (this.store !== memory) await this.store.close()
  }

  /** Waits until the journal holds what so many clients said in this step. */
  async heard(run: string, step: string, clients: number): Promise<void> {
    for (;;) {
      const entries = await this.store.journal.read(run)
      const heard = entries.filter((entry) => entry.includes(`secagg-${step}+json`)).length
      if (heard === clients) return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** Clients that outlive coordinators, with somebody who writes down all that is said. */
class Clients {
  readonly recorder = new Recorder()
  readonly trained: Record<string, number> = {}
  readonly memory = new Map<Name, Map<string, number>>()
  #life: Life

  constructor(life: Life, changed: Partial<Record<Name, Partial<Trainer>>> = {}) {
    this.#life = life
    for (const name of names) this.add(name, changed[name])
  }

  add(name: Name, changed: Partial<Trainer> = {}) {
    const trainer = { ...addingTrainer(0.1 * (1 + names.indexOf(name))), ...changed }
    const rounds = this.memory.get(name) ?? new Map<string, number>()
    this.memory.set(name, rounds)
    const train: Trainer['train'] = async (request) => {
      const result = await trainer.train(request)
      this.trained[name] = (this.trained[name] ?? 0) + 1
      return result
    }
    const added = this.#life.federation.addClient(
      name,
      { ...trainer, train },
      {
        ...maskingOf(names),
        dials: [(signal) => this.recorder.over(name, this.#life.federation.dial)(signal)],
        memory: { last: async (run) => rounds.get(run), remember: async (run, round) => void rounds.set(run, round) },
      },
    )
    stops.push(() => added.node.stop())
    return added
  }

  /** The coordinator dies: its connections break before it says a word. */
  async leave(life: Life): Promise<void> {
    this.recorder.cut()
    await life.end()
  }

  moveTo(life: Life): void {
    this.#life = life
    this.recorder.mend()
  }
}

async function endsUndisturbed(life: Life, run: string, { recorder, trained }: Clients): Promise<RunView> {
  const view = await life.federation.view(run)
  expect(view.outcome).toMatchObject({ kind: 'published' })
  expect(view.history.map(({ accepted, refused }) => [accepted, refused])).toEqual([
    [[...names], []],
    [[...names], []],
  ])
  const weights = await storedWeights(life.store, view.history[1]!.weights!)
  for (const weight of weights) expect(weight).toBeCloseTo(0.5, 4)
  expect(recorder.contradictions).toEqual([])
  for (const name of names) {
    for (const step of ['advertise', 'share', 'input', 'survivors', 'unmask']) {
      expect(recorder.contents(name, 1, step), `${name} ${step}`).toBe(1)
      expect(recorder.contents(name, 2, step), `${name} ${step}`).toBe(1)
    }
  }
  expect(trained).toEqual({ a: 2, b: 2, c: 2, d: 2 })
  expect(life.federation.fatal).toEqual([])
  return view
}

const said = (step: string) => (view: RunView) => view.phase === step

describe('a coordinator that goes away and comes back goes on with a masked round', () => {
  test('with its store on a disk', async () => {
    memory = undefined
    const first = await Life.begin()
    const clients = new Clients(first)
    clients.recorder.lost = (client, frame) => client === 'd' && stepOf(frame) === 'unmask'
    const { run } = await first.federation.coordinator.startRun(plan)
    await first.heard(run, 'unmask', 3)
    await clients.leave(first)
    const second = await Life.begin()
    clients.moveTo(second)
    await endsUndisturbed(second, run, clients)
  })

  test.each(['advertise', 'share', 'survivors', 'unmask'])('after some have answered in step %s', async (step) => {
    const first = await Life.begin()
    const clients = new Clients(first)
    clients.recorder.lost = (client, frame) =>
      client === 'd' && frame.type === 'maskingAnswer' && stepOf(frame) === step
    const { run } = await first.federation.coordinator.startRun(plan)
    await first.heard(run, step, 3)
    await clients.leave(first)
    const second = await Life.begin()
    clients.moveTo(second)
    await endsUndisturbed(second, run, clients)
    // All but the one that was not heard were asked no second time.
    expect(names.map((name) => clients.recorder.times(name, 1, step))).toEqual([1, 1, 1, 1])
  })

  test.each(['advertise', 'share', 'survivors', 'unmask'])('when nobody has answered in step %s', async (step) => {
    const first = await Life.begin()
    const clients = new Clients(first)
    const asked = gate()
    let waiting = names.length
    clients.recorder.lost = (_client, frame) => {
      const lost = frame.type === 'maskingAnswer' && stepOf(frame) === step
      if (lost && --waiting === 0) asked.open()
      return lost
    }
    const { run } = await first.federation.coordinator.startRun(plan)
    await asked.opened
    await clients.leave(first)
    const second = await Life.begin()
    clients.moveTo(second)
    await endsUndisturbed(second, run, clients)
  })

  test('while all of them train, and keys are exchanged', async () => {
    const held = gate()
    const slow = Object.fromEntries(
      names.map((name, i) => {
        const honest = addingTrainer(0.1 * (1 + i))
        const train: Trainer['train'] = async (request) => {
          await held.opened
          return honest.train(request)
        }
        return [name, { train }]
      }),
    )
    const first = await Life.begin()
    const clients = new Clients(first, slow)
    const { run } = await first.federation.coordinator.startRun(plan)
    await first.heard(run, 'share', 4)
    await clients.leave(first)
    const second = await Life.begin()
    clients.moveTo(second)
    expect((await second.federation.coordinator.run(run)).engaged.map(({ phase }) => phase)).toEqual(
      names.map(() => 'sharing'),
    )
    held.open()
    await endsUndisturbed(second, run, clients)
  })

  test('after some vectors came, one was announced alone, and one is being made', async () => {
    const held = gate()
    const honest = addingTrainer(0.4)
    const train: Trainer['train'] = async (request) => {
      await held.opened
      return honest.train(request)
    }
    const first = await Life.begin()
    const clients = new Clients(first, { d: { train } })
    clients.recorder.lost = (client, frame) => client === 'c' && frame.type === 'uploadOpen'
    const { run } = await first.federation.coordinator.startRun(plan)
    await first.heard(run, 'input', 3)
    await first.federation.view(run, ({ engaged }) => engaged.filter(({ phase }) => phase === 'accepted').length === 2)
    await clients.leave(first)
    const second = await Life.begin()
    clients.moveTo(second)
    expect((await second.federation.coordinator.run(run)).engaged.map(({ phase }) => phase)).toEqual([
      'accepted',
      'accepted',
      'sharing',
      'sharing',
    ])
    held.open()
    await endsUndisturbed(second, run, clients)
  })

  test('while it opens the sums', async () => {
    const held = gate()
    let calls = 0
    const first = await Life.begin((store) => ({
      blobs: Object.assign(Object.create(store.blobs) as Store['blobs'], {
        // The first blob that is written so is the base model; the second is the round's sum.
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
    await first.federation.view(run, said('aggregating'))
    await clients.leave(first)
    const second = await Life.begin()
    clients.moveTo(second)
    await endsUndisturbed(second, run, clients)
    held.open()
  })

  test('with one that is gone for good: its round is of the others, and so is the next', async () => {
    const patient = planText({
      rounds: 2,
      count: { min: 3, max: 4 },
      time: { min: '300ms', max: '20s' },
      extra: `
privacy: { mode: masked, threshold: { dropout: 0 }, steps: 1500ms }
evaluation: { window: { count: { min: 3 }, time: { min: 0s, max: 20s } } }`,
    })
    const first = await Life.begin()
    const clients = new Clients(first)
    clients.recorder.lost = (client, frame) =>
      client === 'd' && frame.type === 'maskingAnswer' && stepOf(frame) === 'share'
    const { run } = await first.federation.coordinator.startRun(patient)
    await first.heard(run, 'share', 3)
    await clients.leave(first)
    const second = await Life.begin()
    clients.moveTo(second)
    clients.recorder.lost = (client) => client === 'd'
    const view = await second.federation.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history.map(({ accepted }) => accepted)).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ])
    expect(clients.recorder.contradictions).toEqual([])
  })
})

describe('a client that restarts in the middle of a round leaves it and takes part in the next', () => {
  const lenient = planText({
    rounds: 2,
    count: { min: 3, max: 4 },
    time: { min: '10s', max: '20s' },
    extra: 'privacy: { mode: masked, threshold: { dropout: 0 }, steps: 2s }',
  })

  async function restarted(step: 'advertise' | 'share', reason: RegExp): Promise<void> {
    const life = await Life.begin()
    const clients = new Clients(life)
    const back = gate()
    // Another one is slow, so that the round is still in this step when the client is back.
    clients.recorder.lost = async (client, frame) => {
      if (client === 'a' && frame.type === 'maskingAnswer' && stepOf(frame) === step) await back.opened
      return false
    }
    const { run } = await life.federation.coordinator.startRun(lenient)
    await life.heard(run, step, 3)
    await stops.pop()?.()
    const { events } = clients.add('d')
    while (!events.some(({ type }) => type === 'task')) await new Promise((resolve) => setTimeout(resolve, 5))
    back.open()
    const view = await life.federation.view(run)
    expect(view.history[0]).toMatchObject({
      accepted: ['a', 'b', 'c'],
      refused: [{ client: 'd', code: 'masking.refused', message: expect.stringMatching(reason) as unknown }],
    })
    expect(events.find(({ type }) => type === 'declined')).toMatchObject({ error: { code: 'masking.refused' } })
    expect(view.history[1]).toMatchObject({ accepted: names, refused: [] })
    expect(clients.recorder.contradictions).toEqual([])
    expect(life.federation.fatal).toEqual([])
  }

  test('before it had shared its keys', () => restarted('advertise', /wrong-phase|old-round/))
  test('after it had shared them', () => restarted('share', /wrong-phase/))

  test('after its vector came: that stays in the sum, and nobody waits for its confirmation', async () => {
    const life = await Life.begin()
    const clients = new Clients(life)
    const back = gate()
    let isBack = false
    clients.recorder.lost = async (client, frame) => {
      if (client !== 'd' && frame.type === 'maskingAnswer' && stepOf(frame) === 'survivors') await back.opened
      return client === 'd' && frame.type === 'maskingAnswer' && stepOf(frame) === 'survivors' && !isBack
    }
    const { run } = await life.federation.coordinator.startRun(lenient.replace('steps: 2s', 'steps: 20s'))
    await life.federation.view(run, said('unmasking'))
    await stops.pop()?.()
    isBack = true
    clients.add('d')
    back.open()
    const view = await life.federation.view(run)
    expect(view.history[0]).toMatchObject({
      accepted: names,
      refused: [{ client: 'd', code: 'masking.refused' }],
      sums: { opened: [{ clients: names }] },
    })
    expect(view.history[1]).toMatchObject({ accepted: names, refused: [] })
    expect(clients.recorder.contradictions).toEqual([])
  })
})
