import { expect } from 'vitest'
import type { RoundConfiguration } from '../../core/run/round-configuration.ts'
import { systemClock } from '../../core/system-clock.ts'
import type { Limits } from '../../core/wire/limits.ts'
import type { CoordinatorConfig } from '../../server/index.ts'
import { createLogger } from '../../server/observe/logger.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { BlobStore, Store } from '../../server/store/ports.ts'
import { addingTrainer } from './federation.ts'
import { planText } from './plans.ts'
import { RawClient } from './raw-client.ts'
import { Started } from './started.ts'

type Carrier = 'grpc' | 'ws'

export type HonestRoundOptions = {
  readonly limits?: Partial<Limits>
  /** With it the attacker `a` is asked as well, and has a session before the attack. */
  readonly attackerAsked?: boolean
  /** Opens the session of the attacker that is asked, before anybody else has one. By default `create` opens it. */
  readonly attackerFirst?: (started: Started) => Promise<RawClient>
  readonly store?: Store
  readonly config?: Partial<CoordinatorConfig>
}

/** How the coordinator says that a session ended or was refused, in the order in which they did. */
export type Ending = { readonly client: string | undefined; readonly code: string | undefined }

/**
 * A round that two honest clients, `b` and `c`, are in the middle of while somebody else attacks: both are training when
 * `create` resolves, and `finishes` lets them go on and holds the result against what must come of it.
 */
export class HonestRound {
  readonly started: Started
  readonly carrier: Carrier
  readonly store: Store
  readonly #endings: Ending[]
  readonly #waiting: Set<() => void>
  readonly #letGo: () => void
  #run = ''
  #asked: RawClient | undefined
  #task: RoundConfiguration | undefined

  private constructor(parts: {
    started: Started
    carrier: Carrier
    store: Store
    endings: Ending[]
    waiting: Set<() => void>
    letGo: () => void
  }) {
    this.started = parts.started
    this.carrier = parts.carrier
    this.store = parts.store
    this.#endings = parts.endings
    this.#waiting = parts.waiting
    this.#letGo = parts.letGo
  }

  static async create(carrier: Carrier, options: HonestRoundOptions = {}): Promise<HonestRound> {
    const { limits, attackerFirst, store = memoryStore(), config } = options
    const attackerAsked = options.attackerAsked ?? attackerFirst !== undefined
    const endings: Ending[] = []
    const waiting = new Set<() => void>()
    const write = (line: string) => {
      const { msg, client, err } = JSON.parse(line) as { msg: string; client?: string; err?: { code: string } }
      if (msg !== 'a client disconnected' && msg !== 'a connection was refused') return
      endings.push({ client, code: err?.code })
      for (const wake of [...waiting]) wake()
    }
    const started = await Started.create({
      store,
      logger: createLogger({ now: systemClock.now, stream: { write } }),
      ...(limits === undefined ? {} : { limits }),
      ...config,
    })
    const held = gate()
    const round = new HonestRound({ started, carrier, store, endings, waiting, letGo: held.open })
    if (attackerFirst !== undefined) round.#asked = await attackerFirst(started)
    const training = ['b', 'c'].map((name, index) => round.#addHonest(name, index, held.opened))
    if (attackerAsked) round.#asked ??= await round.open()
    round.#run = (await started.running.api.startRun(round.#plan())).run
    if (attackerAsked) round.#task = await round.attacker.task()
    await Promise.all(training)
    return round
  }

  get run(): string {
    return this.#run
  }

  /** The session of the attacker that was asked to take part. */
  get attacker(): RawClient {
    if (this.#asked === undefined) throw new Error('the attacker is not asked in this round')
    return this.#asked
  }

  get task(): RoundConfiguration {
    if (this.#task === undefined) throw new Error('the attacker is not asked in this round')
    return this.#task
  }

  connect(name = 'a'): Promise<RawClient> {
    return RawClient.connect(this.started.url(this.carrier), name)
  }

  open(name = 'a'): Promise<RawClient> {
    return RawClient.open(this.started.url(this.carrier), name)
  }

  /** Resolves once the coordinator has ended a session, or refused a connection, with this code. */
  async ended(code: string): Promise<void> {
    while (!this.#endings.some((ending) => ending.code === code)) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  /**
   * The two honest clients go on, and their round becomes a version: the attack has cost them nothing. With limits so
   * small that a slow machine may run into them, `sessionsHold: false` lets them connect again meanwhile.
   */
  async finishes({ sessionsHold = true } = {}): Promise<void> {
    this.#letGo()
    const decliner = this.#asked === undefined ? undefined : await this.#decline()
    const view = await this.started.view(this.#run)
    decliner?.close()
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history).toHaveLength(1)
    expect(view.history[0]?.accepted).toEqual(['b', 'c'])
    expect(view.history[0]?.clients.map(({ client }) => client)).toEqual(['b', 'c'])
    if (sessionsHold) expect(this.#endings.filter(({ client }) => client === 'b' || client === 'c')).toEqual([])
  }

  async stop(): Promise<void> {
    this.#letGo()
    this.#asked?.close()
    await this.started.stop()
  }

  /** All three are asked and two are needed: the round waits for the third until it declines, or for 20 s. */
  #plan(): string {
    const max = this.#asked === undefined ? 2 : 3
    return planText({ rounds: 1, count: { min: 2, max }, time: { min: '20s' } })
  }

  #addHonest(name: string, index: number, opened: Promise<void>): Promise<void> {
    const other = this.carrier === 'grpc' ? 'ws' : 'grpc'
    const trainer = addingTrainer(index + 1)
    return new Promise((training) => {
      this.started.addClient(name, index === 0 ? this.carrier : other, {
        ...trainer,
        train: async (request) => {
          training()
          await opened
          return trainer.train(request)
        },
      })
    })
  }

  /** A new session of the attacker takes its leave of the round, so that nobody waits for it. */
  async #decline(): Promise<RawClient> {
    const again = await this.open()
    const decline = { type: 'decline', run: this.#run, round: 1, code: 'client.training-failed', message: '' } as const
    await again.send({ ...decline, kind: 'train' })
    await again.task('evaluate')
    await again.send({ ...decline, kind: 'evaluate' })
    return again
  }
}

/** A promise that somebody else resolves. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** A store in memory whose reads of blobs can be held, and are counted. */
export function watchedStore(): { store: Store; hold: () => () => void; readBytes: () => number } {
  const store = memoryStore()
  let held: Promise<void> = Promise.resolve()
  let readBytes = 0
  const blobs: BlobStore = {
    size: async (digest) => {
      await held
      return store.blobs.size(digest)
    },
    read: async (digest, offset, length, into) => {
      readBytes += length
      return store.blobs.read(digest, offset, length, into)
    },
    verify: (digest) => store.blobs.verify(digest),
    put: (bytes) => store.blobs.put(bytes),
    create: () => store.blobs.create(),
    resume: (digest, length, granule) => store.blobs.resume(digest, length, granule),
    remove: (digest) => store.blobs.remove(digest),
    list: () => store.blobs.list(),
  }
  const hold = () => {
    const { opened, open } = gate()
    held = opened
    return open
  }
  return { store: { ...store, blobs, close: () => store.close() }, hold, readBytes: () => readBytes }
}
