/** From the publication beside a champion to all consumers, or back: by the plan alone, with reports of consumers. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { manifestIn } from '../../server/registry/published.ts'
import type { Registry } from '../../server/registry/registry.ts'
import type { Rollouts } from '../../server/registry/rollouts.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import type { Store } from '../../server/store/ports.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { registryOf } from '../support/release.ts'
import { Consumers, candidateWith, consumerKey, HOUR, RULE, rolloutsOf, signedReport } from '../support/rollout.ts'

const key = nodeCrypto.signingKey(new Uint8Array(32).fill(3))

let store: Store
let clock: ManualClock
let registry: Registry
let rollouts: Rollouts
let consumers: Consumers

beforeEach(() => {
  store = memoryStore()
  clock = new ManualClock()
  registry = registryOf(store, key, { now: () => clock.now() })
  rollouts = rolloutsOf(store, registry, clock)
  consumers = new Consumers(store, clock)
})
afterEach(() => rollouts.stop())

const publish = async (round: number, rule: string | undefined) =>
  registry.publish(await candidateWith(store, round, rule), 'production')

/** Version 1 for all, version 2 for a fifth of them. */
async function begun(rule = RULE): Promise<void> {
  await publish(1, rule)
  await publish(2, rule)
  await rollouts.start()
  await rollouts.settled()
}

const newest = async () => (await store.records.alias('heart', 'production'))!
const pass = async (ms: number) => {
  clock.advance(ms)
  await rollouts.settled()
}

describe('a version whose plan has a rollout', () => {
  it('takes the alias at once where there is no champion, and else a share of the consumers', async () => {
    await publish(1, RULE)
    expect((await consumers.record()).rollout).toBeUndefined()
    await publish(2, RULE)
    const root = manifestIn((await store.records.version('heart', 2))!.envelope).root
    expect(await newest()).toMatchObject({ version: 1, sequence: 2, actor: 'coordinator' })
    expect(await consumers.record()).toMatchObject({
      number: 1,
      reason: 'version 2 passed its gates: it goes to 20 % of the consumers first',
      rollout: { id: expect.stringMatching(/^roll_[0-9a-f]{16}$/), number: 2, root, share: 2_000 },
    })
  })

  it('replaces one that is undecided, which the history says', async () => {
    await begun()
    const before = (await consumers.record()).rollout!
    await publish(3, RULE)
    const { number, rollout, reason } = await consumers.record()
    expect([number, rollout?.number]).toEqual([1, 3])
    expect(rollout?.id).not.toBe(before.id)
    expect(reason).toContain('the rollout of version 2 ends undecided')
  })

  it('moves the alias as ever where its plan has none, and waits where approvals are asked for', async () => {
    await begun()
    await publish(3, undefined)
    expect(await newest()).toMatchObject({ version: 3 })
    expect((await consumers.record()).rollout).toBeUndefined()
    const approving = registryOf(store, key, { approvalsNeeded: 1 })
    await approving.publish(await candidateWith(store, 4, RULE), 'production')
    expect(await newest()).toMatchObject({ version: 3 })
  })
})

describe('by what consumers report', () => {
  it('a bad version is taken back, at once, and the history says why and by whom', async () => {
    await begun()
    await consumers.all(rollouts, { champion: 2, challenger: 30 })
    await pass(1_000)
    const move = await newest()
    expect(move).toMatchObject({ version: 1, actor: 'rollout', sequence: 3 })
    expect(move.reason).toMatch(
      /^version 2 is taken back: error-rate: 0\.3 against 0\.02, worse by 0\.\d+ to 0\.\d+: more than/,
    )
    expect((await consumers.record()).rollout).toBeUndefined()
    // What comes now is of no rollout any more.
    await expect(rollouts.state('heart', 'production')).rejects.toMatchObject({ code: 'outcomes.no-rollout' })
  })

  it('a good version steps up after its time, to all in the end', async () => {
    await begun()
    const shares: (number | undefined)[] = []
    registry.follow((event) => {
      if (event.type === 'alias') shares.push(event.move.version)
    })
    const splits: (number | undefined)[] = [(await consumers.record()).rollout?.share]
    await consumers.all(rollouts, { champion: 2, challenger: 2 })
    await pass(1_000)
    expect((await rollouts.state('heart', 'production')).decision).toMatchObject({ decision: 'keep' })
    // Nobody reports: the timer alone goes on.
    await pass(HOUR)
    splits.push((await consumers.record()).rollout?.share)
    await pass(HOUR)
    // The new step has no requests of its own yet.
    splits.push((await consumers.record()).rollout?.share)
    await consumers.all(rollouts, { champion: 2, challenger: 2 })
    await pass(60_000)
    splits.push((await consumers.record()).rollout?.share)
    expect(splits).toEqual([2_000, 5_000, 5_000, undefined])
    expect(shares).toEqual([1, 2])
    expect(await newest()).toMatchObject({ version: 2, actor: 'rollout' })
    expect((await newest()).reason).toMatch(/^version 2 goes to all consumers: error-rate: 0\.02 against 0\.02/)
    const reasons = (await store.records.aliasHistory('heart')).map(({ reason }) => reason)
    expect(reasons[2]).toMatch(/^version 2 goes to 50 % of the consumers: error-rate/)
  })

  it('nothing goes forward by itself where the plan only lets it go back', async () => {
    await begun(RULE.replace('both', 'rollback'))
    await consumers.all(rollouts, { champion: 2, challenger: 2 })
    await pass(HOUR)
    const state = await rollouts.state('heart', 'production')
    expect(state).toMatchObject({
      share: 2_000,
      champion: 1,
      challenger: 2,
      decision: { decision: 'step-up', share: 5_000 },
    })
    expect(await newest()).toMatchObject({ sequence: 2 })
    await rollouts.apply('heart', 'production', { actor: 'ada', expect: 2 })
    expect(await newest()).toMatchObject({ actor: 'ada', sequence: 3 })
    expect((await consumers.record()).rollout).toMatchObject({ share: 5_000, number: 2 })
  })

  it('nothing moves by itself where the plan says so; a person does it, once', async () => {
    await begun(RULE.replace('both', 'false'))
    const apply = (expected: number) => rollouts.apply('heart', 'production', { actor: 'ada', expect: expected })
    await expect(apply(2)).rejects.toMatchObject({
      code: 'run.conflict',
      message: expect.stringContaining('nothing to do'),
    })
    await consumers.all(rollouts, { champion: 2, challenger: 30 })
    await pass(HOUR)
    expect(await newest()).toMatchObject({ sequence: 2 })
    await expect(apply(1)).rejects.toMatchObject({ code: 'alias.conflict' })
    await apply(2)
    expect(await newest()).toMatchObject({ version: 1, actor: 'ada', sequence: 3 })
    await expect(apply(3)).rejects.toMatchObject({ code: 'outcomes.no-rollout' })
  })

  it('a restart goes on: counts, numbers of reports and times are those of before', async () => {
    await begun()
    await consumers.all(rollouts, { champion: 2, challenger: 2 })
    await pass(1_000)
    const before = await rollouts.state('heart', 'production')
    await rollouts.stop()
    rollouts = rolloutsOf(store, registry, clock)
    await rollouts.start()
    await rollouts.settled()
    expect(await rollouts.state('heart', 'production')).toEqual(before)
    const { challenger } = await consumers.sides()
    const again = await signedReport(await consumers.next(challenger[0]!, { sequence: 1 }), consumerKey(challenger[0]!))
    await expect(rollouts.report('heart', again)).rejects.toMatchObject({ code: 'outcomes.replayed' })
    await pass(HOUR)
    expect((await consumers.record()).rollout?.share).toBe(5_000)
  })

  it('a record that is only signed anew begins no step', async () => {
    await begun()
    const before = await rollouts.state('heart', 'production')
    clock.advance(20 * 24 * HOUR)
    expect(await registry.renew()).toBe(1)
    const after = await rollouts.state('heart', 'production')
    expect([after.since, after.startedAt]).toEqual([before.since, before.startedAt])
    expect(after.sequence).toBe(before.sequence + 1)
  })

  it('a split by hand of a version without a rule is counted, and left to people', async () => {
    await publish(1, undefined)
    await publish(2, undefined)
    const { root } = manifestIn((await store.records.version('heart', 2))!.envelope)
    const rollout = { id: 'by-hand', number: 2, root, share: 5_000, include: [], exclude: [] }
    await registry.promote({ model: 'heart', alias: 'production', number: 1, rollout, reason: 'half', actor: 'ada' })
    await rollouts.start()
    await consumers.all(rollouts, { champion: 2, challenger: 90 })
    await pass(HOUR)
    expect(await rollouts.state('heart', 'production')).toMatchObject({ reports: 40, plan: null, decision: null })
    await expect(rollouts.apply('heart', 'production', { actor: 'ada' })).rejects.toMatchObject({
      code: 'run.conflict',
    })
  })

  it('the rule of a plan is of the alias that it names, and of no other that somebody splits', async () => {
    await publish(1, RULE)
    await publish(2, RULE)
    const { root } = manifestIn((await store.records.version('heart', 2))!.envelope)
    const rollout = { id: 'by-hand', number: 2, root, share: 5_000, include: [], exclude: [] }
    await registry.promote({ model: 'heart', alias: 'trial', number: 1, rollout, reason: 'half', actor: 'ada' })
    expect(await rollouts.state('heart', 'trial')).toMatchObject({ rollout: 'by-hand', plan: null, decision: null })
    expect(await rollouts.state('heart', 'production')).toMatchObject({ decision: { decision: 'keep' } })
  })

  it('is looked at once a second at most, and no timer is left where there is no rollout', async () => {
    await begun()
    await consumers.all(rollouts, { champion: 2, challenger: 30 })
    // The first look was at the start, and forty reports make one more.
    expect(clock.timers).toBe(1)
    await pass(1_000)
    await pass(HOUR)
    expect(clock.timers).toBe(0)
  })
})
