import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dataSchema } from '../../core/plan/data.ts'
import { randomOf } from '../../core/random/random.ts'
import { exp, ln, sigmoid } from '../../sim/data/elementary.ts'
import type { Generated } from '../../sim/data/generator.ts'
import { generate, generateWorld, generatorSchema, generators } from '../../sim/data/registry.ts'
import { shared, slice } from '../../sim/data/slice.ts'
import { loadWorld } from '../../sim/data/world.ts'
import { root } from '../support/source-files.ts'

const made = (named: unknown, seed = 1) => generate(generatorSchema.parse(named), seed)
const widthOf = ({ shape }: Pick<Generated, 'shape'>) => shape.reduce((a, b) => a * b, 1)

/** Mean features of each class. */
function centresOf(data: Generated): number[][] {
  const width = widthOf(data)
  const classes = Math.max(2, data.classes)
  return Array.from({ length: classes }, (_, k) => {
    const rows = [...data.labels.keys()].filter((row) => data.labels[row] === k)
    return Array.from(
      { length: width },
      (_, j) => rows.reduce((sum, row) => sum + data.features[row * width + j]!, 0) / rows.length,
    )
  })
}

/** Accuracy of the nearest centre on the same rows. */
function nearestCentre(data: Generated): number {
  const width = widthOf(data)
  const centres = centresOf(data)
  const right = [...data.labels.keys()].filter((row) => {
    const distances = centres.map((centre) =>
      centre.reduce((sum, value, j) => sum + (value - data.features[row * width + j]!) ** 2, 0),
    )
    return distances.indexOf(Math.min(...distances)) === data.labels[row]
  })
  return right.length / data.rows
}

describe('generated data', () => {
  test('the registry knows every file of sim/data/generators by its name', () => {
    const files = readdirSync(join(root, 'sim/data/generators')).map((file) => file.replace(/\.ts$/, ''))
    expect(Object.keys(generators).sort()).toEqual(files.sort())
  })

  test.each([
    ['blobs', 'blobs', [2], 3],
    ['binary blobs', { blobs: { classes: 2, inputs: 5 } }, [5], 1],
    ['linear', 'linear', [10], 1],
    ['linear with classes', { linear: { classes: 4 } }, [10], 4],
    ['images', { images: { rows: 200 } }, [14, 14, 1], 10],
  ])('%s: shape, classes, finite, the same for a seed and another for another', (_, named, shape, classes) => {
    const data = made(named)
    expect(data.shape).toEqual(shape)
    expect(data.classes).toBe(classes)
    expect(data.features.length).toBe(data.rows * widthOf(data))
    expect(data.features.every(Number.isFinite)).toBe(true)
    expect(new Set(data.labels)).toEqual(new Set(Array.from({ length: Math.max(2, classes) }, (_, k) => k)))
    expect(made(named)).toEqual(data)
    expect(made(named, 2).features).not.toEqual(data.features)
  })

  test('can be learned, and no better than it should be', () => {
    expect(nearestCentre(made({ blobs: { separation: 20 } }))).toBeGreaterThan(0.98)
    expect(nearestCentre(made('images'))).toBeGreaterThan(0.8)
    expect(nearestCentre(made({ linear: { rows: 4000, scale: 20 } }))).toBeGreaterThan(0.9)
    expect(nearestCentre(made({ linear: { rows: 4000, scale: 0 } }))).toBeLessThan(0.58)
    expect(nearestCentre(made({ linear: { rows: 4000, scale: 20, classes: 3 } }))).toBeGreaterThan(0.75)
  })

  test('images are gray values from 0 to 1', () => {
    const { features } = made('images')
    expect(features.reduce((a, b) => Math.min(a, b), 1)).toBe(0)
    expect(features.reduce((a, b) => Math.max(a, b), 0)).toBeGreaterThan(0.9)
    expect(features.every((value) => value <= 1)).toBe(true)
  })

  test('is held out by its last rows, without a copy', () => {
    const world = generateWorld(generatorSchema.parse({ blobs: { rows: 100 } }), 1, 0.07)
    expect([world.train.rows, world.test.rows]).toEqual([93, 7])
    expect(world.test.features.buffer).toBe(world.train.features.buffer)
    expect(new Set(world.test.labels).size).toBeGreaterThan(1)
  })

  test('options that make no sense are refused', () => {
    for (const wrong of ['unknown', { blobs: { classes: 1 } }, { images: { height: 2 } }, { linear: { rows: -1 } }]) {
      expect(generatorSchema.safeParse(wrong).success).toBe(false)
    }
  })
})

describe('slices', () => {
  const examples = {
    rows: 5,
    features: Float32Array.from({ length: 10 }, (_, i) => i),
    labels: Int32Array.of(0, 1, 2, 3, 4),
  }

  test('rows in a run are a view', () => {
    const part = slice(examples, Uint32Array.of(1, 2, 3))
    expect(part).toEqual({ rows: 3, features: Float32Array.of(2, 3, 4, 5, 6, 7), labels: Int32Array.of(1, 2, 3) })
    expect(part.features.buffer).toBe(examples.features.buffer)
    expect(part.labels.buffer).toBe(examples.labels.buffer)
  })

  test('other rows are copied, in the order that was asked for', () => {
    const part = slice(examples, Uint32Array.of(4, 0, 4))
    expect(part).toEqual({ rows: 3, features: Float32Array.of(8, 9, 0, 1, 8, 9), labels: Int32Array.of(4, 0, 4) })
    expect(part.features.buffer.byteLength).toBe(24)
  })

  test('no rows, and rows of nothing', () => {
    expect(slice(examples, new Uint32Array(0)).rows).toBe(0)
    expect(
      slice({ rows: 0, features: new Float32Array(0), labels: new Int32Array(0) }, new Uint32Array(0)).features.length,
    ).toBe(0)
  })

  test('shared examples are seen by other threads', () => {
    const copy = shared(examples)
    expect(copy.features.buffer).toBeInstanceOf(SharedArrayBuffer)
    expect([...copy.features]).toEqual([...examples.features])
    expect([...copy.labels]).toEqual([...examples.labels])
  })
})

describe('whole data sets, read as a client reads its own', () => {
  const csv = dataSchema.parse({
    csv: {
      columns: [
        { name: 'x', type: 'number' },
        { name: 'y', type: 'label' },
      ],
      label: { classes: ['a', 'b'] },
    },
    split: { test: 0.25 },
  })
  const written = async (text: string) => {
    const dir = await mkdtemp(join(tmpdir(), 'parley-sim-'))
    onTestFinished(() => rm(dir, { recursive: true }))
    await writeFile(join(dir, 'data.csv'), text)
    return { csv: join(dir, 'data.csv') }
  }

  test('a table', async () => {
    const files = await written(
      `x,y\n${Array.from({ length: 8 }, (_, i) => `${i},${i % 2 === 0 ? 'a' : 'b'}`).join('\n')}\n`,
    )
    const world = await loadWorld(csv, files)
    expect(world).toMatchObject({ shape: [1], classes: 2, train: { rows: 6 }, test: { rows: 2 } })
    await expect(loadWorld(csv, files, files)).rejects.toThrow(/images/)
  })

  test('a file that is not there', async () => {
    await expect(loadWorld(csv, { csv: '/nowhere/data.csv' })).rejects.toMatchObject({ code: 'data.not-found' })
  })

  const mnist = join(process.env.PARLEY_SHARED ?? join(root, '../shared'), 'data/mnist')
  const missing = !existsSync(mnist)
  if (missing) console.log(`skipped: no MNIST in ${mnist}`)

  test.skipIf(missing)('MNIST, tested on its own test files', async () => {
    const files = (name: string) => ({
      images: join(mnist, `${name}-images-idx3-ubyte.gz`),
      labels: join(mnist, `${name}-labels-idx1-ubyte.gz`),
    })
    const world = await loadWorld(dataSchema.parse({ idx: {} }), files('train-10k'), files('t10k'))
    expect(world).toMatchObject({ shape: [28, 28, 1], classes: 10, train: { rows: 10_000 }, test: { rows: 10_000 } })
    expect(world.test.labels.filter((label) => label === 1).length).toBe(1135)
  })
})

describe('elementary functions', () => {
  test('agree with those of the engine to the last places', () => {
    const random = randomOf(1)
    for (let i = 0; i < 20_000; i++) {
      const y = (random.uniform() - 0.5) * 1400
      expect(Math.abs(exp(y) / Math.exp(y) - 1)).toBeLessThan(1e-15)
      const x = i % 2 === 0 ? Math.exp(y) : 1 + y / 7000
      expect(Math.abs(ln(x) - Math.log(x))).toBeLessThanOrEqual(1e-15 * Math.abs(Math.log(x)))
    }
  })

  test('at the ends', () => {
    expect([ln(0), ln(1), ln(-1), ln(Number.POSITIVE_INFINITY)]).toEqual([-Infinity, 0, NaN, Infinity])
    expect([exp(0), exp(-1e9), exp(1e9), exp(Number.NaN)]).toEqual([1, 0, Infinity, NaN])
    expect([ln(5e-324), exp(-745), exp(709.7)]).toEqual([Math.log(5e-324), 5e-324, Math.exp(709.7)])
    expect([sigmoid(0), sigmoid(800), sigmoid(-800)]).toEqual([0.5, 1, 0])
    expect(sigmoid(2) + sigmoid(-2)).toBeCloseTo(1, 15)
  })
})
