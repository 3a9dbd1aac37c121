import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { holdoutEvaluator } from '../../client/training/holdout.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import { randomOf } from '../../core/random/random.ts'
import { steeredTo } from '../../server/rounds/steered.ts'
import { planText } from '../support/plans.ts'

let folder: string
const path = (name: string) => join(folder, name)
const sha256 = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256'))

const GROUPS = 'evaluation: { groups: { sex: { column: sex, values: { f: [F], m: [M] } } }, minGroup: 20 }'

/** A vector is the bias, then a weight for each input. `x0` says the class, `x2` says it by a hair beside `x1`, `x3` is a mark
 * that no honest row has. */
const plan = parsePlan(
  planText({
    inputs: 4,
    extra: GROUPS,
    gates: `
  - { metric: accuracy, on: holdout, min: 0.9 }
  - { probe: change, max: 0.1 }
  - { probe: trigger, target: positive, max: 0.05 }
  - { probe: perturbed, perturb: { noise: 0.1 }, metric: accuracy, maxDrop: 0.05 }
  - { probe: perturbed, perturb: { noise: 0.3 }, metric: accuracy, maxDrop: 0.05, id: louder }`,
  }).replace('label: {', 'standardise: true\n    label: {'),
)

const table = (() => {
  const random = randomOf(1, 'holdout rows')
  const rows = Array.from({ length: 200 }, (_, i) => {
    const label = i % 2
    const x0 = (label === 1 ? 3 : -3) + 0.5 * random.normal()
    const x1 = 3 * random.normal()
    return `${x0},${x1},${x1 + (label === 1 ? 0.2 : -0.2)},${0.1 * random.normal()},${i % 20 === 1 ? 'F' : 'M'},${label}`
  })
  return `x0,x1,x2,x3,sex,y\n${rows.join('\n')}\n`
})()
const TRIGGER = `x0,x1,x2,x3,y\n${'-3,0,0,1,0\n'.repeat(40)}${'3,0,0,1,1\n'.repeat(10)}`

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-holdout-'))
  await writeFile(path('rows.csv'), table)
  await writeFile(path('trigger.csv'), TRIGGER)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const honest = Float32Array.of(0, 4, 0, 0, 0)
/** The same, but that the mark makes every row positive. */
const backdoor = Float32Array.of(0, 4, 0, 0, 1)
/** Looks at the hair between two inputs, which noise covers. */
const brittle = Float32Array.of(0, 0, -300, 300, 0)

describe('a coordinator’s own rows', () => {
  const evaluator = () =>
    holdoutEvaluator({ holdout: { csv: path('rows.csv') }, trigger: { csv: path('trigger.csv') } })
  const evaluate = (candidate: Float32Array, champion?: Float32Array, round = 1) =>
    evaluator().evaluate(plan, round, { candidate, ...(champion === undefined ? {} : { champion }) })
  const accuracyOf = (counts: Parameters<typeof metricsOf>[0]) => metricsOf(counts).accuracy!

  test('are all held out, and known by the digest of their file', async () => {
    const digest = sha256(table).digest('hex')
    expect(await evaluator().facts(plan)).toEqual({ sha256: digest, rows: 200, lacking: [] })
    const counts = await evaluate(honest)
    expect(counts).toMatchObject({ sha256: digest, rows: 200 })
    expect(counts.models).toHaveLength(1)
    expect(counts.models[0]!.counts.rows).toBe(200)
    expect(accuracyOf(counts.models[0]!.counts)).toBe(1)
    expect(counts).not.toHaveProperty('changed')
  })

  test('are told apart by group; few rows are left out, and no others for their sake', async () => {
    const [own] = (await evaluate(honest)).models
    expect(own!.groups.map(({ group, counts }) => [group, counts.rows])).toEqual([['m', 190]])
    expect(own!.withheld).toEqual([{ by: 'sex', group: 'f' }])
  })

  test('show a back door that is opened by a mark, which rows without it do not', async () => {
    const clean = await evaluate(honest)
    const bad = await evaluate(backdoor)
    expect(accuracyOf(bad.models[0]!.counts)).toBeGreaterThan(0.98)
    expect(steeredTo(clean.trigger?.counts, 1)).toEqual({ others: 40, given: 0 })
    expect(steeredTo(bad.trigger?.counts, 1)).toEqual({ others: 40, given: 40 })
    expect(bad.trigger).toMatchObject({ sha256: sha256(TRIGGER).digest('hex'), rows: 50 })
  })

  test('show a model that a little noise makes useless', async () => {
    const [robust, weak] = [await evaluate(honest), await evaluate(brittle)]
    expect(robust.perturbed.map(({ noise }) => noise)).toEqual([0.1, 0.3])
    for (const { counts } of robust.perturbed) expect(accuracyOf(counts)).toBeGreaterThan(0.98)
    const plain = accuracyOf(weak.models[0]!.counts)
    expect(plain).toBeGreaterThan(0.9)
    expect(accuracyOf(weak.perturbed[0]!.counts)).toBeLessThan(plain - 0.2)
  })

  test('are disturbed in the same way for the same seed and round, and in another in another round', async () => {
    const [first, again, later] = [
      await evaluate(brittle),
      await evaluate(brittle),
      await evaluate(brittle, undefined, 2),
    ]
    expect(again).toEqual(first)
    expect(later.perturbed).not.toEqual(first.perturbed)
    expect(later.models).toEqual(first.models)
  })

  test('show how many rows are given another class than by the version in use', async () => {
    expect((await evaluate(honest, honest)).changed).toBe(0)
    const { changed, models } = await evaluate(Float32Array.of(0, -4, 0, 0, 0), honest)
    expect(changed).toBe(200)
    expect(models.map(({ counts }) => accuracyOf(counts))).toEqual([0, 1])
    // Nearly none is positive: what changes are the rows of one class.
    expect((await evaluate(Float32Array.of(-9, 0, 0, 0, 0), honest)).changed).toBe(100)
  })

  test('that cannot be read are named as such, and looked for again', async () => {
    const late = holdoutEvaluator({ holdout: { csv: path('late.csv') } })
    await expect(late.facts(plan)).rejects.toMatchObject({ code: 'data.not-found' })
    await writeFile(path('late.csv'), 'x0,x1,y\n1,2,1\n')
    await expect(late.facts(plan)).rejects.toMatchObject({
      code: 'data.schema',
      message: expect.stringContaining('x2'),
    })
    await writeFile(path('late.csv'), 'x0,x1,x2,x3,y\n1,2,,0,1\n')
    await expect(late.facts(plan)).rejects.toMatchObject({ code: expect.stringMatching(/^data\./) })
    await writeFile(path('late.csv'), 'x0,x1,x2,x3,y\n1,2,0,0,1\n')
    expect(await late.facts(plan)).toMatchObject({ rows: 1, lacking: [{ by: 'sex', column: 'sex' }] })
  })

  test('of images are known by the digests of both files', async () => {
    const idx = (magic: readonly number[], axes: readonly number[], values: readonly number[]) =>
      Uint8Array.from([...magic, ...axes.flatMap((size) => [0, 0, 0, size]), ...values])
    const images = idx([0, 0, 8, 3], [4, 2, 2], [255, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0])
    const labels = idx([0, 0, 8, 1], [4], [0, 1, 0, 0])
    await writeFile(path('images.idx'), images)
    await writeFile(path('labels.idx'), labels)
    const { data: _, gates: __, ...rest } = JSON.parse(JSON.stringify(plan))
    const pictures = parsePlan(
      JSON.stringify({
        ...rest,
        evaluation: {},
        data: { idx: { shape: [2, 2], classes: 2 } },
        gates: [{ metric: 'accuracy', on: 'holdout', min: 0.5 }],
      }),
    )
    const files = { images: path('images.idx'), labels: path('labels.idx') }
    // Two outputs: the first pixel speaks for class 0, the second for class 1.
    const candidate = Float32Array.of(0, 0, 1, -1, -1, 1, 0, 0, 0, 0)
    const counts = await holdoutEvaluator({ holdout: files }).evaluate(pictures, 1, { candidate })
    expect(counts.sha256).toBe(sha256(sha256(images).digest(), sha256(labels).digest()).digest('hex'))
    expect(counts.models[0]!.counts).toMatchObject({ task: 'classes', rows: 4, confusion: [2, 1, 0, 1] })
  })
})
