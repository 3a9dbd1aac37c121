import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { GROUP_BINS } from '../../core/metrics/counts.ts'
import type { EvaluateConfiguration, RoundConfiguration } from '../../core/run/round-configuration.ts'
import type { FrameOf } from '../../core/wire/frame.ts'
import { outcomes } from '../gates/figures.ts'
import { addingTrainer, countsOf, keyOf } from '../support/federation.ts'
import { gate } from '../support/honest-round.ts'
import { planText } from '../support/plans.ts'
import { RawClient } from '../support/raw-client.ts'
import { Started } from '../support/started.ts'

const ROWS = 1_000
/** The round waits for everybody that was asked, however slow the machine is. */
const patient = 'evaluation: { window: { time: { min: 30s } } }'

/** A report as a client signs it, with whatever differs in it. */
function reportOf(task: RoundConfiguration, name: string, changed: object = {}, signer = keyOf(name)) {
  const model = task.kind === 'evaluate' ? task.models[0] : task.model
  const report = {
    v: 1,
    run: task.run,
    round: task.round,
    client: name,
    results: [{ model: model?.digest, counts: countsOf(10, 8) }],
    ...changed,
  }
  const frame: FrameOf<'evaluation'> = {
    type: 'evaluation',
    report: signBytes(signer, payloadTypes.evaluation, utf8(JSON.stringify(report))),
  }
  return frame
}

/** Nothing that a liar says of its rows counts, and nobody waits for it longer than for one who declines. */
describe.each(['grpc', 'ws'] as const)('over %s, an evaluation', (carrier) => {
  let started: Started
  let attacker: RawClient
  let run: string
  let task: RoundConfiguration

  const decline = (kind: 'train' | 'evaluate') =>
    ({ type: 'decline', run, round: 1, kind, code: 'client.training-failed', message: '' }) as const

  beforeEach(async () => {
    started = await Started.create({ limits: { evaluationRows: ROWS } })
    attacker = await RawClient.open(started.url(carrier), 'a')
    started.addClient('b', carrier === 'grpc' ? 'ws' : 'grpc', addingTrainer(1))
    started.addClient('c', carrier, addingTrainer(3))
    run = (
      await started.running.api.startRun(
        planText({ rounds: 1, count: { min: 2, max: 3 }, time: { min: '20s' }, extra: patient }),
      )
    ).run
    await attacker.task()
    await attacker.send(decline('train'))
    task = await attacker.task('evaluate')
  })
  afterEach(async () => {
    attacker.close()
    await started.stop()
  })

  async function honestReportsCount(): Promise<void> {
    const again = await RawClient.open(started.url(carrier), 'a')
    await again.send(decline('evaluate'))
    const view = await started.view(run)
    again.close()
    expect(view.outcome).toMatchObject({ kind: 'published' })
    expect(view.history[0]?.clients.map(({ client }) => client)).toEqual(['b', 'c'])
    expect(view.history[0]?.pooled).toMatchObject({ rows: 20, accuracy: 0.8 })
  }

  const counts = (changed: object) => (own: RoundConfiguration) => ({
    results: [{ model: (own as EvaluateConfiguration).models[0]?.digest, counts: { ...countsOf(10, 8), ...changed } }],
  })
  const classes = { task: 'classes', rows: 10, lossMicros: 0, confusion: [10] }

  test.each<[string, (own: RoundConfiguration) => object, string]>([
    ['whose outcomes do not add up', counts({ rows: 11 }), 'evaluation.invalid'],
    ['whose scores do not add up', counts({ truePositives: 9, falsePositives: 1 }), 'evaluation.invalid'],
    ['of more rows than the limit', counts(countsOf(ROWS + 1, ROWS)), 'evaluation.invalid'],
    ['with a loss above the cap', counts({ lossMicros: 10 * 100 * 1e6 + 1 }), 'evaluation.invalid'],
    [
      'of another kind of task',
      (own) => ({ results: [{ model: (own as EvaluateConfiguration).models[0]?.digest, counts: classes }] }),
      'evaluation.invalid',
    ],
    [
      'of two models where there is one',
      (own) => {
        const result = { model: (own as EvaluateConfiguration).models[0]?.digest, counts: countsOf(10, 8) }
        return { results: [result, result] }
      },
      'evaluation.invalid',
    ],
    ['with a negative count', counts({ truePositives: -1, rows: 1 }), 'evaluation.invalid'],
    ['with a fraction', counts({ lossMicros: 0.5 }), 'evaluation.invalid'],
    ['of another model', () => ({ results: [{ model: 'ab'.repeat(32), counts: countsOf(10, 10) }] }), 'update.stale'],
    ['in the name of another client', () => ({ client: 'b' }), 'auth.identity-mismatch'],
    ['of an unknown run', () => ({ run: 'run_0' }), 'update.stale'],
    ['of a round to come', () => ({ round: 2 }), 'update.stale'],
  ])('%s is refused by name and does not count', async (_name, changed, code) => {
    await attacker.send(reportOf(task, 'a', changed(task)))
    expect(await attacker.next('receipt')).toMatchObject({ kind: 'evaluate', accepted: false, code })
    await honestReportsCount()
  })

  test.each<[string, (own: RoundConfiguration) => object]>([
    ['scores in too few bins', counts({ positiveScores: [8] })],
    ['a field that nobody knows', counts({ weight: 5 })],
    ['no result', () => ({ results: [] })],
    ['more bytes than a signed payload may have', () => ({ client: 'a'.repeat(70_000) })],
  ])('with %s ends the session by name', async (_name, changed) => {
    await attacker.send(reportOf(task, 'a', changed(task)))
    expect(await attacker.closeCode()).toBe('frame.malformed')
    await honestReportsCount()
  })

  test('that is signed by another key ends the session by name', async () => {
    await attacker.send(reportOf(task, 'a', {}, keyOf('mallory')))
    expect(await attacker.closeCode()).toBe('auth.bad-signature')
    await honestReportsCount()
  })

  test('of a client that was not asked is refused', async () => {
    const stranger = await RawClient.open(started.url(carrier), 'd')
    await stranger.send(reportOf(task, 'd'))
    expect(await stranger.next('receipt')).toMatchObject({ accepted: false, code: 'update.not-selected' })
    stranger.close()
    await honestReportsCount()
  })
})

describe.each(['grpc', 'ws'] as const)('over %s, an evaluation by groups', (carrier) => {
  const groups = 'groups: { sex: { column: sex, values: { female: [0], male: [1] } } }, minGroup: 5'
  const sex = (group: string, own = outcomes({ tp: 5, fp: 1 }, GROUP_BINS)) => ({ by: 'sex', group, counts: own })
  let started: Started
  let attacker: RawClient
  let run: string
  let task: RoundConfiguration

  beforeEach(async () => {
    started = await Started.create()
    attacker = await RawClient.open(started.url(carrier), 'a')
    for (const name of ['b', 'c']) {
      const counts = outcomes({ tp: 16, fp: 4 })
      const honest = { counts, groups: [sex('female'), sex('male')], withheld: [], lacking: [] }
      started.addClient(name, carrier, addingTrainer(1, { evaluateGroups: async () => honest }))
    }
    const extra = `evaluation: { window: { time: { min: 30s } }, ${groups} }`
    const gates = '[{ metric: precision, groupBy: sex, min: 0.8 }]'
    const time = { min: '20s' }
    const plan = planText({ rounds: 1, count: { min: 2, max: 3 }, time, extra, gates })
    run = (await started.running.api.startRun(plan)).run
    await attacker.task()
    await attacker.send({ type: 'decline', run, round: 1, kind: 'train', code: 'client.training-failed', message: '' })
    task = await attacker.task('evaluate')
  })
  afterEach(async () => {
    attacker.close()
    await started.stop()
  })

  const report = (sent: readonly object[] | undefined, besides: object = { withheld: [], lacking: [] }) =>
    reportOf(task, 'a', {
      results: [
        {
          model: (task as EvaluateConfiguration).models[0]?.digest,
          counts: outcomes({ tp: 10, fp: 10 }),
          ...(sent === undefined ? {} : { groups: sent }),
        },
      ],
      ...besides,
    })

  async function honestGroupsCount(): Promise<void> {
    const again = await RawClient.open(started.url(carrier), 'a')
    await again.send({ type: 'decline', run, round: 1, kind: 'evaluate', code: 'client.training-failed', message: '' })
    const { outcome } = await started.view(run)
    again.close()
    expect(outcome).toMatchObject({ kind: 'published', gates: [{ verdict: 'pass', value: 10 / 12, n: 12 }] })
  }

  test.each<[string, Parameters<typeof report>]>([
    ['that says nothing of its groups', [undefined, {}]],
    ['that leaves a group out', [[sex('female')]]],
    ['with a group that the plan does not have', [[sex('female'), sex('male'), sex('other')]]],
    [
      'with more rows in its groups than there are',
      [[sex('female', outcomes({ fp: 6 }, GROUP_BINS)), sex('male', outcomes({ fp: 6 }, GROUP_BINS))]],
    ],
    ['with a group of too few rows', [[sex('female', outcomes({ tp: 4 }, GROUP_BINS)), sex('male')]]],
    ['whose group does not add up', [[sex('female', { ...outcomes({ tp: 5 }, GROUP_BINS), rows: 6 }), sex('male')]]],
    [
      'that lacks a column which the plan does not ask for',
      [[sex('female'), sex('male')], { lacking: [{ by: 'age', column: 'age' }] }],
    ],
  ])('%s is refused by name and does not count', async (_name, [sent, besides]) => {
    await attacker.send(report(sent, besides))
    expect(await attacker.next('receipt')).toMatchObject({ accepted: false, code: 'evaluation.invalid' })
    await honestGroupsCount()
  })

  test.each<[string, Parameters<typeof report>]>([
    ['more groups than a plan may have', [Array.from({ length: 65 }, (_, i) => sex(`g${i}`))]],
    ['a group in finer bins', [[sex('female', outcomes({ tp: 5 })), sex('male')]]],
    ['more bytes than a signed evaluation may have', [[sex('female'), sex('male')], { lacking: 'x'.repeat(800_000) }]],
  ])('with %s ends the session by name', async (_name, [sent, besides]) => {
    await attacker.send(report(sent, besides))
    expect(await attacker.closeCode()).toBe('frame.malformed')
    await honestGroupsCount()
  })
})

describe.each(['grpc', 'ws'] as const)('over %s, at a wrong time,', (carrier) => {
  let started: Started
  let attacker: RawClient
  let run: string
  const held = { b: gate() }

  beforeEach(async () => {
    held.b = gate()
    started = await Started.create()
    attacker = await RawClient.open(started.url(carrier), 'a')
    const honest = addingTrainer(1)
    started.addClient('b', carrier, {
      ...honest,
      evaluate: async (weights, signal) => {
        await held.b.opened
        return honest.evaluate(weights, signal)
      },
    })
    started.addClient('c', carrier, honest)
    run = (
      await started.running.api.startRun(
        planText({ rounds: 1, count: { min: 2, max: 3 }, time: { min: '20s' }, extra: patient }),
      )
    ).run
  })
  afterEach(async () => {
    held.b.open()
    attacker.close()
    await started.stop()
  })

  async function pooled(): Promise<object> {
    held.b.open()
    const view = await started.view(run)
    expect(view.outcome).toMatchObject({ kind: 'published' })
    return { rows: view.history[0]?.pooled?.rows, clients: view.history[0]?.clients.map(({ client }) => client) }
  }

  const decline = (kind: 'train' | 'evaluate') =>
    ({ type: 'decline', run, round: 1, kind, code: 'client.training-failed', message: '' }) as const

  test('an evaluation before the round evaluates is refused, and counts at its time', async () => {
    const training = await attacker.task()
    await attacker.send(reportOf(training, 'a'))
    expect(await attacker.next('receipt')).toMatchObject({ accepted: false, code: 'update.late' })
    await attacker.send(decline('train'))
    await attacker.send(reportOf(await attacker.task('evaluate'), 'a'))
    expect(await attacker.next('receipt')).toMatchObject({ accepted: true })
    expect(await pooled()).toEqual({ rows: 30, clients: ['a', 'b', 'c'] })
  })

  test('the same evaluation again gets the same receipt; a second, different one is a duplicate', async () => {
    await attacker.task()
    await attacker.send(decline('train'))
    const task = await attacker.task('evaluate')
    for (let time = 0; time < 2; time++) {
      await attacker.send(reportOf(task, 'a'))
      expect(await attacker.next('receipt')).toMatchObject({ accepted: true, code: '' })
    }
    const [model] = (task as EvaluateConfiguration).models
    const better = { results: [{ model: model?.digest, counts: countsOf(500, 500) }] }
    await attacker.send(reportOf(task, 'a', better))
    expect(await attacker.next('receipt')).toMatchObject({ accepted: false, code: 'update.duplicate' })
    expect(await pooled()).toEqual({ rows: 30, clients: ['a', 'b', 'c'] })
  })

  test('an evaluation after a decline is a duplicate, and one after the end is late', async () => {
    await attacker.task()
    await attacker.send(decline('train'))
    const task = await attacker.task('evaluate')
    await attacker.send(decline('evaluate'))
    await attacker.send(reportOf(task, 'a'))
    expect(await attacker.next('receipt')).toMatchObject({ accepted: false, code: 'update.duplicate' })
    expect(await pooled()).toEqual({ rows: 20, clients: ['b', 'c'] })
    await attacker.send(reportOf(task, 'a'))
    expect(await attacker.next('receipt')).toMatchObject({ accepted: false, code: 'update.late' })
  })
})
