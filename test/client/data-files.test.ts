import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadDataset } from '../../client/data/load.ts'
import { poolDatasets } from '../../client/data/pool.ts'
import { dataSchema } from '../../core/plan/data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const shared = join(process.env.PARLEY_SHARED ?? join(root, '../shared'), 'data')
const missing = !existsSync(shared)
if (missing) console.log(`skipped: the benchmark data is not in ${shared}`)

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'parley-data-'))
})
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

async function file(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(dir, name)
  await writeFile(path, bytes)
  return path
}

function idx(axes: number[], values: number[], type = 8): Uint8Array {
  const header = Buffer.alloc(4 + 4 * axes.length)
  header.writeUInt16BE(0, 0)
  header.writeUInt8(type, 2)
  header.writeUInt8(axes.length, 3)
  axes.forEach((axis, i) => {
    header.writeUInt32BE(axis, 4 + 4 * i)
  })
  return Buffer.concat([header, Uint8Array.from(values)])
}

describe('IDX files', () => {
  const plan = dataSchema.parse({ idx: { shape: [1, 2], classes: 3 }, split: { test: 0.25, stratified: false } })
  const pixels = idx([4, 1, 2], [0, 255, 51, 102, 0, 0, 255, 255])
  const labels = idx([4], [0, 1, 2, 0])

  const load = async (images: Uint8Array, classes: Uint8Array, limits?: { bytes: number }) =>
    await loadDataset(plan, { images: await file('images', images), labels: await file('labels', classes) }, limits)

  test.each([
    ['plain', pixels, labels],
    ['gzip', gzipSync(pixels), gzipSync(labels)],
  ])('%s: pixels are divided and divided up', async (_, images, classes) => {
    const { shape, train, test, report } = await load(images, classes)
    expect(shape).toEqual([1, 2, 1])
    expect(report).toEqual({ rows: 4, used: 4, bad: [], train: 3, test: 1 })
    const values = [...train.features, ...test.features].sort((a, b) => a - b)
    expect(values.map((value) => Math.round(value * 255))).toEqual([0, 0, 0, 51, 102, 255, 255, 255])
  })

  test('a label beyond the classes is a bad row', async () => {
    const { report } = await load(pixels, idx([4], [0, 1, 3, 0]))
    expect(report).toMatchObject({ rows: 4, used: 3, bad: [{ reason: 'unknown class', column: 'labels', count: 1 }] })
  })

  test.each([
    ['data.malformed', 'is not an IDX file', Buffer.from('P5 1 2'), labels],
    ['data.malformed', 'unsigned bytes', idx([4, 1, 2], [1], 0x0d), labels],
    ['data.malformed', 'has 1 values', idx([4, 1, 2], [1]), labels],
    ['data.malformed', 'its header says', idx([0xffffffff, 1, 2], [1]), labels],
    ['data.malformed', 'valid header', idx([], []), labels],
    ['data.malformed', 'does not unpack', gzipSync(pixels).subarray(0, 20), labels],
    ['data.schema', 'the plan says 1 × 2', idx([2, 2, 2], [1, 1, 1, 1, 1, 1, 1, 1]), labels],
    ['data.schema', '4 images and 3 labels', pixels, idx([3], [0, 1, 2])],
    ['data.schema', 'more than one axis', pixels, idx([4, 1], [0, 1, 2, 0])],
    ['data.schema', 'no label is below 3', pixels, idx([4], [7, 7, 7, 7])],
  ])('%s: %s', async (code, message, images, classes) => {
    await expect(load(images, classes)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('a file that unpacks to more than the limit is not unpacked', async () => {
    const bomb = gzipSync(new Uint8Array(1_000_000))
    await expect(load(bomb, labels, { bytes: 10_000 })).rejects.toMatchObject({ code: 'data.malformed' })
  })
})

describe('a data file', () => {
  const plan = dataSchema.parse({
    csv: {
      columns: [
        { name: 'a', type: 'number' },
        { name: 'y', type: 'label' },
      ],
      label: { positive: { above: 0 } },
    },
  })

  test.each([
    ['that is not there', 'data.not-found', undefined],
    ['that is too large', 'data.malformed', 'a,y\n1,1\n1,1\n'],
    ['that is not UTF-8', 'data.malformed', Uint8Array.of(0x61, 0xff)],
  ])('%s', async (name, code, content) => {
    const path = content === undefined ? join(dir, 'absent') : await file(name, content)
    await expect(loadDataset(plan, { csv: path }, { bytes: 8 })).rejects.toMatchObject({ code })
  })

  test('that is a folder', async () => {
    await expect(loadDataset(plan, { csv: dir })).rejects.toMatchObject({ code: 'data.not-found' })
  })

  test('of the other kind than the plan', async () => {
    await expect(loadDataset(plan, { images: 'a', labels: 'b' })).rejects.toMatchObject({ code: 'data.schema' })
  })
})

describe.skipIf(missing)('benchmark data', () => {
  test('heart disease: the rows, splits and inputs of FLamby', async () => {
    const plan = parse(readFileSync(join(root, 'examples/heart/plan.yaml'), 'utf8')) as { data: unknown }
    const data = dataSchema.parse(plan.data)
    const names = ['cleveland', 'hungarian', 'switzerland', 'va']
    const sets = await Promise.all(
      names.map(async (name) => await loadDataset(data, { csv: join(shared, `heart/processed.${name}.data`) })),
    )
    expect(sets.map(({ report }) => [report.rows, report.used, report.train, report.test])).toEqual([
      [303, 303, 199, 104],
      [294, 261, 172, 89],
      [123, 46, 30, 16],
      [200, 130, 85, 45],
    ])
    expect(sets.map(({ shape }) => shape)).toEqual([[13], [13], [13], [13]])
    const pooled = poolDatasets(sets)
    expect([pooled.train.rows, pooled.test.rows]).toEqual([486, 254])
    expect(pooled.train.features.every(Number.isFinite)).toBe(true)
  })

  test('MNIST', async () => {
    const data = dataSchema.parse({ idx: {} })
    const { shape, classes, report } = await loadDataset(data, {
      images: join(shared, 'mnist/t10k-images-idx3-ubyte.gz'),
      labels: join(shared, 'mnist/t10k-labels-idx1-ubyte.gz'),
    })
    expect({ shape, classes }).toEqual({ shape: [28, 28, 1], classes: 10 })
    expect(report).toEqual({ rows: 10_000, used: 10_000, bad: [], train: 8_000, test: 2_000 })
  })
})
