import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { datasetFromCsv } from '../../client/data/load.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { randomOf } from '../../core/random/random.ts'
import type { GateVerdict } from '../../core/run/view.ts'
import { layoutOf } from '../../core/tensors/layout.ts'
import { addingTrainer, countsOf, Federation } from '../support/federation.ts'
import { planText } from '../support/plans.ts'

const evaluation = `evaluation:
  groups:
    sex: { column: sex, values: { female: [F], male: [M] } }
    age: { column: age, bands: [50] }
  minGroup: 20
`
const gates = (list: string) =>
  planText({ inputs: 1, rounds: 1, count: { min: 2, max: 2 }, gates: list, extra: evaluation })

/** Rows whose label is what the sign of the input says, but for every fourth woman; ages 30 to 69. */
function table(rows: number, header = 'x0,sex,age,y', women = 0.5): string {
  const random = randomOf(rows, 'table')
  const lines = Array.from({ length: rows }, (_, i) => {
    const sex = random.uniform() < women ? 'F' : 'M'
    const label = i % 2
    const x = (sex === 'F' && i % 8 < 2 ? -1 : 1) * (label === 1 ? 2 : -2) + 0.1 * random.normal()
    return `${x},${sex},${30 + (i % 40)},${label}`
  })
  return [header, ...lines].join('\n')
}

describe('gates on groups, in a federation of clients that train on tables', () => {
  let federation: Federation

  beforeEach(async () => {
    federation = new Federation({
      layout: layoutOf([
        { name: 'dense_1/kernel', shape: [1, 1] },
        { name: 'dense_1/bias', shape: [1] },
      ]),
    })
    await federation.coordinator.start()
  })
  afterEach(async () => {
    await federation.stop()
  })

  const trains = (text: string) => async (plan: Plan) => {
    if (!('csv' in plan.data)) throw new TypeError('the plan has no table')
    const dataset = datasetFromCsv(plan.data, text, plan.evaluation.groups)
    return await createTrainer({ model: plan.model, dataset, training: plan.training, evaluation: plan.evaluation })
  }

  async function verdictsOf(
    list: string,
  ): Promise<{ kind: string; gates: readonly GateVerdict[]; groups: object[] | undefined }> {
    const { run } = await federation.coordinator.startRun(gates(list))
    const { outcome, history } = await federation.view(run)
    if (outcome?.kind !== 'published' && outcome?.kind !== 'rejected') throw new Error(JSON.stringify(outcome))
    return { ...outcome, groups: history[0]?.groups?.map(({ by, group, clients }) => ({ by, group, clients })) }
  }

  test('each group is pooled over the clients, held against its bound, and compared', async () => {
    federation.addClient('a', trains(table(300)))
    federation.addClient('b', trains(table(500)))
    const {
      kind,
      gates: found,
      groups,
    } = await verdictsOf(`
  - { metric: accuracy, min: 0.7 }
  - { metric: accuracy, groupBy: sex, min: 0.8 }
  - { metric: accuracy, groupBy: age, min: 0.7 }
  - { metric: accuracy, groupBy: sex, maxGap: 0.05, confidence: 0.95, hard: true }`)
    expect(kind).toBe('rejected')
    const [pooled, bySex, byAge, gap] = found as [GateVerdict, GateVerdict, GateVerdict, GateVerdict]
    expect([pooled, bySex, byAge, gap].map(({ verdict }) => verdict)).toEqual(['pass', 'fail', 'pass', 'fail'])
    expect(pooled).toMatchObject({ n: 160 })
    expect(groups).toEqual([
      { by: 'age', group: 'below 50', clients: 2 },
      { by: 'age', group: 'from 50', clients: 2 },
      { by: 'sex', group: 'female', clients: 2 },
      { by: 'sex', group: 'male', clients: 2 },
    ])
    expect(bySex.explanation).toContain('female')
    expect(bySex.value).toBeLessThan(pooled.value!)
    expect(gap).toMatchObject({ hard: true, interval: { confidence: 0.95 } })
    expect(gap.value).toBeGreaterThan(0.1)
  })

  test('a client that lacks the column trains and is evaluated all the same, and the gate says who it was', async () => {
    federation.addClient('a', trains(table(300)))
    const { events } = federation.addClient('b', trains(table(300, 'x0,gender,age,y')))
    const { kind, gates: found } = await verdictsOf(
      '[{ metric: accuracy, min: 0.5 }, { metric: accuracy, groupBy: sex, min: 0 }, { metric: accuracy, groupBy: age, min: 0.5 }]',
    )
    expect(kind).toBe('rejected')
    expect(found.map(({ verdict }) => verdict)).toEqual(['pass', 'not-evaluable', 'pass'])
    expect(found[1]?.explanation).toContain('data.schema: the column sex is not in the data of client b')
    expect(found[0]).toMatchObject({ n: 120 })
    expect(events.find(({ type }) => type === 'groups-lacking')).toMatchObject({
      error: { code: 'data.schema', message: expect.stringContaining('sex (evaluation.groups.sex)') },
    })
  })

  test('counts of few rows stay with their client', async () => {
    // Of 60 held-out rows about six are women's: too few, and the men's would tell of them.
    federation.addClient('a', trains(table(300, undefined, 0.1)))
    federation.addClient('b', trains(table(500)))
    const { gates: found } = await verdictsOf(
      '[{ metric: accuracy, min: 0 }, { metric: accuracy, groupBy: sex, maxGap: 1 }]',
    )
    expect(found.map(({ verdict, n }) => ({ verdict, n }))).toEqual([
      { verdict: 'pass', n: 160 },
      { verdict: 'pass', n: 100 },
    ])
  })

  test('a trainer that cannot tell groups apart leaves gates on them undecided', async () => {
    const layout = layoutOf([
      { name: 'dense_1/kernel', shape: [1, 1] },
      { name: 'dense_1/bias', shape: [1] },
    ])
    for (const name of ['a', 'b'])
      federation.addClient(name, addingTrainer(1, { layout, evaluate: async () => countsOf(50, 40) }))
    const { gates: found } = await verdictsOf(
      '[{ metric: accuracy, min: 0.5 }, { metric: accuracy, groupBy: sex, min: 0 }]',
    )
    expect(found.map(({ verdict }) => verdict)).toEqual(['pass', 'not-evaluable'])
  })
})
