import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { payloadTypes, signBytes } from '../../core/crypto/envelope.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { countNumeric } from '../../core/metrics/count-numeric.ts'
import type { EvaluateConfiguration, RoundConfiguration } from '../../core/run/round-configuration.ts'
import type { FrameOf } from '../../core/wire/frame.ts'
import { addingTrainer, countsOf, keyOf } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { RawClient } from '../support/raw-client.ts'
import { Started } from '../support/started.ts'

const ROWS = 1_000
const range = { min: 0, max: 50 }
const plan = planText({
  rounds: 1,
  count: { min: 2, max: 3 },
  time: { min: '20s' },
  gates: '[{ metric: mae, max: 3 }]',
  extra: 'evaluation: { window: { time: { min: 30s } } }',
})
  .replace('label: { positive: { above: 0 } }', 'label: { numeric: { min: 0, max: 50 } }')
  .replace('logistic: {}', 'linear: {}')

/** Ten rows in the middle of the range, each off by 2. */
const honest = countNumeric(Array(10).fill(0.54), Array(10).fill(500_000), range)
/** One row that is right, of which any number may be claimed. */
const right = countNumeric([0.5], [500_000], range)

/** Nobody moves the error of a federation by more than its own rows and the range of the label let it. */
describe.each(['grpc', 'ws'] as const)('over %s, an evaluation of a numeric label', (carrier) => {
  let started: Started
  let attacker: RawClient
  let run: string
  let task: RoundConfiguration

  const decline = (kind: 'train' | 'evaluate') =>
    ({ type: 'decline', run, round: 1, kind, code: 'client.training-failed', message: '' }) as const

  beforeEach(async () => {
    started = await Started.create({ limits: { evaluationRows: ROWS } })
    attacker = await RawClient.open(started.url(carrier), 'a')
    const trainer = addingTrainer(1, { evaluate: async () => honest })
    started.addClient('b', carrier === 'grpc' ? 'ws' : 'grpc', trainer)
    started.addClient('c', carrier, trainer)
    run = (await started.running.api.startRun(plan)).run
    await attacker.task()
    await attacker.send(decline('train'))
    task = await attacker.task('evaluate')
  })
  afterEach(async () => {
    attacker.close()
    await started.stop()
  })

  function reportOf(counts: object): FrameOf<'evaluation'> {
    const model = (task as EvaluateConfiguration).models[0]?.digest
    const report = { v: 1, run, round: 1, client: 'a', results: [{ model, counts }] }
    return { type: 'evaluation', report: signBytes(keyOf('a'), payloadTypes.evaluation, utf8(JSON.stringify(report))) }
  }

  async function honestReportsCount(): Promise<void> {
    const again = await RawClient.open(started.url(carrier), 'a')
    await again.send(decline('evaluate'))
    const { outcome, history } = await started.view(run)
    again.close()
    expect(outcome).toMatchObject({ kind: 'published', gates: [{ verdict: 'pass', n: 20 }] })
    expect(history[0]?.clients.map(({ client }) => client)).toEqual(['b', 'c'])
    expect(history[0]?.pooled?.mae).toBeCloseTo(2, 9)
  }

  test.each<[string, object]>([
    ['of another kind of task', countsOf(10, 8)],
    ['of a wider range than the plan’s', { ...honest, max: 5_000 }],
    ['of more rows than the limit', { ...right, rows: ROWS + 1 }],
    ['whose bins are of fewer rows', { ...right, rows: 2 }],
    ['whose errors are below its bins', { ...honest, overMicros: 0 }],
    ['whose errors are above its bins', { ...honest, underMicros: 10_000_000 }],
    ['whose squares are below its bins', { ...honest, squaredErrors: 0 }],
    ['whose squares make r² as it likes', { ...honest, squaredLabels: 1_000_000_000_000 }],
    ['whose labels are alike beyond what equal labels are', { ...honest, squaredLabels: 0 }],
    ['whose labels leave no room for its errors', { ...honest, labelMicros: 10_000_000, squaredLabels: 1_000_000_000 }],
    ['with a negative sum', { ...honest, labelMicros: -1 }],
    ['with a fraction', { ...honest, overMicros: 400_000.5 }],
    ['with a number that is no number of a double', { ...honest, squaredErrors: 1e300 }],
  ])('%s is refused by name and does not count', async (_name, counts) => {
    await attacker.send(reportOf(counts))
    const receipt = await attacker.next('receipt')
    expect(receipt).toMatchObject({ kind: 'evaluate', accepted: false, code: 'evaluation.invalid' })
    await honestReportsCount()
  })

  test.each<[string, object]>([
    ['errors in too few bins', { ...honest, errorBins: [10] }],
    ['a field that nobody knows', { ...honest, weight: 5 }],
    ['a loss of its own', { ...honest, lossMicros: 0 }],
    ['no range', { ...honest, min: undefined }],
  ])('with %s ends the session by name', async (_name, counts) => {
    await attacker.send(reportOf(counts))
    expect(await attacker.closeCode()).toBe('frame.malformed')
    await honestReportsCount()
  })

  test('that could be true is taken', async () => {
    await attacker.send(reportOf(right))
    expect(await attacker.next('receipt')).toMatchObject({ accepted: true })
    expect((await started.view(run)).history[0]?.pooled).toMatchObject({ rows: 21 })
  })
})
