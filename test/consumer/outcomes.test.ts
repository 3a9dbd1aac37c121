/** What an application counts arrives at the real registry once, whatever becomes of the network, the program and the rollout. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { folderCache, memoryCache, type OpenOptions } from '../../consumer/index.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { latencyBin } from '../../core/rollout/latency-grid.ts'
import type { Outcomes } from '../../core/rollout/outcomes.ts'
import { consumerKey, consumerNames, HOUR, RULE } from '../support/rollout.ts'
import { answers, type Fate, rolledOut } from './reporting.ts'
import { finally_ } from './support.ts'

const MANUAL = RULE.replace('both', 'false')
const total = (reports: readonly Outcomes[]) =>
  reports.flatMap(({ versions }) => versions).reduce((sum, { requests }) => sum + requests, 0)

async function begun() {
  const made = await rolledOut(MANUAL)
  const { challenger, champion } = await made.sides()
  const { id } = (await made.record()).rollout!
  return { ...made, id, chosen: challenger[0]!, other: champion[0]! }
}

describe('an open version', () => {
  it('says which rollout it is compared in, and on which side', async () => {
    const { opening, chosen, other, id, registry } = await begun()
    const challenger = (await opening(chosen)).followed
    const champion = (await opening(other)).followed
    expect(challenger.current).toMatchObject({ number: 2, why: 'canary', rollout: { id, side: 'challenger' } })
    expect(champion.current).toMatchObject({ number: 1, why: 'stable', rollout: { id, side: 'champion' } })
    await registry.rollback({ model: 'heart', alias: 'production', reason: 'because', actor: 'operator', to: 1 })
    expect((await challenger.refresh()).rollout).toBeUndefined()
    expect((await champion.refresh()).rollout).toBeUndefined()
  })

  it('is in none for a consumer without an id, by number, and where the alias is not split', async () => {
    const { opening, chosen, publish } = await begun()
    const without = { consumer: undefined, report: undefined } as unknown as Partial<OpenOptions>
    expect((await opening(chosen, without)).followed.current.rollout).toBeUndefined()
    await publish(3, null)
    expect((await opening(chosen)).followed.current.rollout).toBeUndefined()
  })
})

describe('what is counted', () => {
  it('arrives as it was told, signed, on the side of the version', async () => {
    const { opening, chosen, id, taken, clock } = await begun()
    const { followed, happened } = await opening(chosen, { report: { key: toHex(seedOf(chosen)) } })
    const { outcomes, current } = followed
    clock.advance(5_500)
    outcomes.answered(current, { ms: 12 })
    outcomes.answered(current, { ms: 0.05 })
    outcomes.answered(current, { ms: 1e9, failed: true })
    outcomes.answered(current, { ms: Number.NaN })
    outcomes.answered(current, { ms: -1 })
    outcomes.answered(current)
    outcomes.truth(current, { predicted: true, actual: true })
    outcomes.truth(current, { predicted: true, actual: false })
    outcomes.truth(current, { predicted: false, actual: true })
    outcomes.truth(current, { predicted: false, actual: false })
    outcomes.opinion(current, true)
    outcomes.opinion(current, false)
    await outcomes.send()
    const [report] = await taken(id, chosen)
    const bins = new Array(242).fill(0)
    for (const ms of [12, 0.05, 1e9]) bins[latencyBin(ms)] = 1
    expect(report).toMatchObject({ consumer: chosen, rollout: id, sequence: 1, model: 'heart' })
    expect(report!.versions).toEqual([
      {
        ...{ number: 2, requests: 6, errors: 1, latencyMs: { bins }, outcomes: { good: 1, bad: 1 } },
        confusion: { tp: 1, fp: 1, tn: 1, fn: 1 },
      },
    ])
    expect(happened.of('reported')).toEqual([{ type: 'reported', rollout: id, sequence: 1, number: 2, requests: 6 }])
  })

  it('is nothing where nothing was counted, and of no version that this consumer is not to report of', async () => {
    const { opening, chosen, other, taken, id } = await begun()
    const { followed, network } = await opening(chosen)
    const champion = (await opening(other)).followed.current
    for (let i = 0; i < 5; i++) followed.outcomes.answered(champion, {})
    await followed.outcomes.send()
    expect(network.sent).toEqual([])
    answers(followed, 3)
    await followed.outcomes.send()
    expect(total(await taken(id))).toBe(3)
  })

  it('goes by the version and not by when it was taken: who keeps it from before the rollout reports too', async () => {
    const { opening, publish, sides, record, taken } = await rolledOut(MANUAL)
    await publish(3, null)
    const { followed } = await opening('clinic-0')
    const held = followed.current
    const others = await Promise.all(consumerNames.slice(1, 6).map((name) => opening(name)))
    await publish(4)
    const champion = [...others, { followed }].map(({ followed }) => followed)
    for (const one of champion) await one.refresh()
    const names = (await sides()).champion
    for (const [i, one] of [...champion.slice(0, 5).entries()]) {
      if (!names.includes(`clinic-${i + 1}`)) continue
      one.outcomes.answered(held)
      await one.outcomes.send()
      expect(total(await taken((await record()).rollout!.id, `clinic-${i + 1}`))).toBe(1)
      return
    }
    throw new Error('no consumer of five was left with the champion')
  })

  it('holds truths back until there are as many requests', async () => {
    const { opening, chosen, taken, id, clock } = await begun()
    const { outcomes, current } = (await opening(chosen)).followed
    for (let i = 0; i < 3; i++) outcomes.truth(current, { predicted: true, actual: true })
    for (let i = 0; i < 2; i++) outcomes.answered(current)
    outcomes.opinion(current, true)
    await outcomes.send()
    clock.advance(60_000)
    outcomes.answered(current)
    await outcomes.send()
    const [first, second] = (await taken(id, chosen)).map(({ versions }) => versions[0]!)
    expect(first).toEqual({ number: 2, requests: 2, errors: 0, outcomes: { good: 1, bad: 0 } })
    expect(second).toMatchObject({ requests: 1, confusion: { tp: 3 } })
  })
})

function seedOf(name: string): Uint8Array {
  return new Uint8Array(32).fill(consumerNames.indexOf(name) + 50)
}

describe('over a network that loses', () => {
  it('every request is counted once, and what is sent again is the very same', async () => {
    const fate = fc.constantFrom<Fate>('arrives', 'lost', 'answer-lost')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fate, fc.integer({ min: 0, max: 5 })), { maxLength: 12 }), async (steps) => {
        const { opening, chosen, taken, id, clock } = await begun()
        const { followed, network } = await opening(chosen)
        let told = 0
        for (const [fate, requests] of steps) {
          network.fate = fate
          clock.advance(20_000)
          answers(followed, requests)
          told += requests
          await followed.outcomes.send().catch(() => {})
        }
        network.fate = 'arrives'
        await followed.outcomes.send()
        expect(total(await taken(id, chosen))).toBe(told)
        for (const [i, text] of network.sent.entries()) {
          const again = network.reports.findIndex(({ sequence }) => sequence === network.reports[i]!.sequence)
          expect(text).toBe(network.sent[again])
        }
        await followed.close()
      }),
      { numRuns: 15 },
    )
  })

  it('is sent by itself every so often, and again after a second, two, four', async () => {
    const { opening, chosen, taken, id, clock } = await begun()
    const { followed, network, happened } = await opening(chosen)
    answers(followed, 2)
    network.fate = 'lost'
    await clock.pass(54_000)
    await happened.has('unsent', { code: 'session.unreachable' })
    await clock.pass(500)
    await clock.pass(1_000)
    await clock.timer(2_000)
    expect(happened.of('unsent')).toHaveLength(1)
    answers(followed, 3)
    network.fate = 'arrives'
    await clock.pass(2_000)
    await happened.has('reported', { sequence: 2, requests: 3 })
    expect((await taken(id, chosen)).map(({ versions }) => versions[0]!.requests)).toEqual([2, 3])
  })

  it('`current` and counting do not wait for a registry that does not answer, and closing does for five seconds', async () => {
    const { opening, chosen, clock } = await begun()
    const { followed, network } = await opening(chosen)
    network.fate = 'hangs'
    answers(followed, 1)
    const sending = followed.outcomes.send()
    sending.catch(() => {})
    answers(followed, 1_000)
    expect(followed.current.number).toBe(2)
    const closed = followed.close()
    await expect(sending).rejects.toMatchObject({ code: 'interrupted' })
    await clock.pass(5_000)
    await closed
    expect(followed.current.number).toBe(2)
  })

  it('waits for an operator to list the consumer', async () => {
    const { opening, sides, record, taken, lists } = await rolledOut(MANUAL, false)
    const name = (await sides()).challenger[0]!
    const { followed, happened } = await opening(name)
    answers(followed, 4)
    await expect(followed.outcomes.send()).rejects.toMatchObject({ code: 'outcomes.unlisted' })
    expect(happened.of('unsent')).toMatchObject([{ code: 'outcomes.unlisted' }])
    lists.listed = true
    await followed.outcomes.send()
    expect(total(await taken((await record()).rollout!.id))).toBe(4)
  })
})

describe('over a restart of the program', () => {
  async function folder() {
    const path = await mkdtemp(join(tmpdir(), 'parley-outcomes-'))
    finally_(() => rm(path, { recursive: true, force: true }))
    return path
  }

  it.each<[string, Fate]>([
    ['was lost', 'lost'],
    ['was taken, and its answer lost', 'answer-lost'],
  ])('a report that %s is sent again from the folder, and counts once', async (_what, fate) => {
    const { opening, chosen, taken, id, clock } = await begun()
    const path = await folder()
    const first = await opening(chosen, {}, folderCache(path))
    answers(first.followed, 2)
    await first.followed.outcomes.send()
    clock.advance(60_000)
    first.network.fate = fate
    answers(first.followed, 5)
    await first.followed.outcomes.send().catch(() => {})
    first.network.fate = 'lost'
    answers(first.followed, 7)
    await first.followed.close()
    clock.advance(HOUR)
    const second = await opening(chosen, {}, folderCache(path))
    answers(second.followed, 11)
    await second.followed.outcomes.send()
    const reports = await taken(id, chosen)
    expect(reports.map(({ sequence, versions }) => [sequence, versions[0]!.requests])).toEqual([
      [1, 2],
      [2, 5],
      [3, 7],
      [4, 11],
    ])
    expect(second.network.sent[0]).toBe(first.network.sent[1])
  })

  it('a program that gets no version sends nothing, and is not kept waiting by what an earlier one left', async () => {
    const { opening, chosen } = await begun()
    const path = await folder()
    const first = await opening(chosen, {}, folderCache(path))
    first.network.fate = 'lost'
    answers(first.followed, 2)
    await first.followed.close()
    await rm(join(path, 'files'), { recursive: true })
    const sent: string[] = []
    const away: typeof fetch = async (_input, init) => {
      sent.push(init?.method ?? 'GET')
      throw new TypeError('offline')
    }
    await expect(opening(chosen, { fetch: away }, folderCache(path))).rejects.toMatchObject({
      code: 'session.unreachable',
    })
    expect(sent).not.toContain('POST')
  })

  it('without a place for its state it goes on with the registry’s next number', async () => {
    const { opening, chosen, taken, id } = await begun()
    const first = await opening(chosen)
    answers(first.followed, 2)
    await first.followed.close()
    // In the very second that the last report ended in.
    const second = await opening(chosen)
    answers(second.followed, 3)
    await second.followed.outcomes.send()
    expect((await taken(id, chosen)).map(({ versions }) => versions[0]!.requests)).toEqual([2, 3])
    expect(second.network.reports.map(({ sequence }) => sequence)).toEqual([1, 2])
  })

  it('what may have been counted is not sent under another number', async () => {
    const { opening, chosen, taken, id, clock } = await begun()
    const seldom = { report: { key: consumerKey(chosen), everyMs: 24 * HOUR } }
    const one = await opening(chosen, seldom)
    one.network.fate = 'answer-lost'
    answers(one.followed, 2)
    await one.followed.outcomes.send().catch(() => {})
    clock.advance(60_000)
    // Another program reports under the same name, and so the registry’s last report is not this one’s any more.
    const another = await opening(chosen, seldom)
    answers(another.followed, 3)
    await another.followed.outcomes.send()
    one.network.fate = 'arrives'
    answers(one.followed, 4)
    clock.advance(60_000)
    await one.followed.outcomes.send()
    expect(one.happened.of('dropped')).toMatchObject([{ code: 'outcomes.replayed', requests: 2 }])
    expect((await taken(id, chosen)).map(({ versions }) => versions[0]!.requests)).toEqual([2, 3, 4])
  })

  it.each(['[]', '{"v":1}', 'null', '\u0000'])('a state that says %j is none', async (text) => {
    const { opening, chosen, taken, id } = await begun()
    const cache = memoryCache()
    const spoiled = { ...cache, document: async () => new TextEncoder().encode(text) }
    const { followed } = await opening(chosen, {}, spoiled)
    answers(followed, 2)
    await followed.outcomes.send()
    expect(total(await taken(id, chosen))).toBe(2)
  })
})

describe('when the rollout goes on without it', () => {
  const move = { model: 'heart', alias: 'production', reason: 'because', actor: 'operator' }
  const back = { ...move, to: 1 }

  it('drops what was counted of one that was taken back, and reports of the next from its first number', async () => {
    const { opening, chosen, taken, id, registry, publish, sides, record } = await begun()
    const { followed, happened, network } = await opening(chosen)
    answers(followed, 6)
    network.fate = 'lost'
    await followed.outcomes.send().catch(() => {})
    answers(followed, 2)
    await registry.rollback(back)
    await followed.refresh()
    expect(happened.of('dropped')).toMatchObject([{ rollout: id, requests: 8, code: 'outcomes.no-rollout' }])
    network.fate = 'arrives'
    answers(followed, 1)
    await followed.outcomes.send()
    expect(network.sent).toHaveLength(1)
    await publish(3)
    await followed.refresh()
    answers(followed, 4)
    await followed.outcomes.send()
    const next = (await record()).rollout!.id
    const number = (await sides()).challenger.includes(chosen) ? 3 : 1
    expect(await taken(id)).toEqual([])
    expect(await taken(next)).toMatchObject([{ sequence: 1, versions: [{ number, requests: 4 }] }])
  })

  it('drops it too when it learns of the end by the registry’s refusal, and goes on', async () => {
    const { opening, chosen, registry } = await begun()
    const { followed, happened } = await opening(chosen)
    answers(followed, 6)
    await registry.rollback(back)
    await followed.outcomes.send()
    expect(happened.of('dropped')).toMatchObject([{ requests: 6, code: 'outcomes.no-rollout' }])
  })

  it('counts nothing of the champion for the challenger when a step moves it from one to the other', async () => {
    const {
      opening,
      champion: names,
      registry,
      taken,
      id,
      record,
    } = await rolledOut(MANUAL).then(async (made) => ({
      ...made,
      ...(await made.sides()),
      id: (await made.record()).rollout!.id,
    }))
    const { followed, happened } = await opening(names[0]!)
    const champion = followed.current
    answers(followed, 6)
    const { number, rollout } = await record()
    await registry.promote({ ...move, number, rollout: { ...rollout!, share: 10_000 } })
    expect(await followed.refresh()).toMatchObject({ number: 2, rollout: { id, side: 'challenger' } })
    followed.outcomes.answered(champion, { failed: true })
    answers(followed, 3)
    await followed.outcomes.send()
    expect(happened.of('dropped')).toMatchObject([{ requests: 6, code: 'outcomes.other-side' }])
    expect((await taken(id))[0]?.versions).toMatchObject([{ number: 2, requests: 3, errors: 0 }])
  })
})

describe('by these reports alone', () => {
  /** Every consumer answers a hundred requests an hour with the version that it has, until the rollout is over. */
  async function practised(errors: { readonly champion: number; readonly challenger: number }) {
    const made = await rolledOut(RULE)
    const all = await Promise.all(consumerNames.map((name) => made.opening(name)))
    const shares = new Set<number>()
    for (let hour = 0; hour < 30; hour++) {
      const { rollout } = await made.record()
      if (rollout === undefined) break
      shares.add(rollout.share)
      made.clock.advance(HOUR)
      for (const { followed } of all) {
        await followed.refresh()
        const side = followed.current.rollout?.side
        if (side !== undefined) answers(followed, 100, errors[side])
        await followed.outcomes.send()
      }
      made.clock.advance(60_000)
      await made.rollouts.settled()
    }
    const numbers = await Promise.all(all.map(async ({ followed }) => (await followed.refresh()).number))
    const newest = (await made.store.records.alias('heart', 'production'))!
    return { newest, shares: [...shares], numbers: [...new Set(numbers)] }
  }

  it('a version that is as good goes to all, step by step', { timeout: 60_000 }, async () => {
    const { newest, shares, numbers } = await practised({ champion: 2, challenger: 2 })
    expect(shares).toEqual([2_000, 5_000])
    expect(newest).toMatchObject({ version: 2, actor: 'rollout' })
    expect(newest.reason).toMatch(/^version 2 goes to all consumers/)
    expect(numbers).toEqual([2])
  })

  it('a version that fails more often is taken back', { timeout: 60_000 }, async () => {
    const { newest, shares, numbers } = await practised({ champion: 2, challenger: 25 })
    expect(shares).toEqual([2_000])
    expect(newest).toMatchObject({ version: 1, actor: 'rollout' })
    expect(newest.reason).toMatch(/^version 2 is taken back/)
    expect(numbers).toEqual([1])
  })
})

describe('options for reports', () => {
  const key = consumerKey('clinic-0')

  it.each<[string, object]>([
    ['no consumer', { consumer: undefined, report: { key } }],
    ['a key that is none', { report: { key: 'ab' } }],
    ['a key of another length', { report: { key: new Uint8Array(31) } }],
    ['a shorter time than the registry takes', { report: { key, everyMs: 1_000 } }],
    ['no time', { report: { key, everyMs: Number.NaN } }],
  ])('are refused with %s', async (_what, options) => {
    const { opening } = await rolledOut(undefined)
    await expect(opening('clinic-0', options)).rejects.toMatchObject({ code: 'request.invalid' })
  })

  it('without them the calls do nothing', async () => {
    const { opening, chosen, taken, id } = await begun()
    const { followed } = await opening(chosen, { report: undefined } as unknown as Partial<OpenOptions>)
    answers(followed, 3)
    followed.outcomes.truth(followed.current, { predicted: true, actual: true })
    followed.outcomes.opinion(followed.current, true)
    await followed.outcomes.send()
    expect(await taken(id)).toEqual([])
  })
})
