/** Clients as they are in the data: by a column of the table, or by a file of ids. */
import { writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { checkScenario, type Scenario, simulate } from '../../sim/index.ts'
import { dealWorld } from '../../sim/world/world.ts'
import { plan, scratch } from './sweep-input.ts'

const { folder, path, write } = await scratch('natural')

/** Rows whose input `a` tells their number, so that what is dealt can be told apart; `ward` is that of row i. */
function table(rows: number, ward: (row: number) => string, more: readonly string[] = []): string {
  const lines = Array.from({ length: rows }, (_, row) => `${ward(row)},${row},${row % 2},${row % 3}`)
  return `${['ward,a,b,y', ...lines, ...more].join('\n')}\n`
}

const csv = { ...plan.data.csv, standardise: false }
type Changes = { readonly csv?: object; readonly clients?: number; readonly natural?: object; readonly split?: object }

function scenarioOf(
  file: string,
  { csv: changed = {}, clients = 3, natural = { column: 'ward' }, split }: Changes = {},
) {
  return checkScenario({
    scenario: 1,
    plan: {
      ...plan,
      data: { csv: { ...csv, ...changed }, ...(split === undefined ? {} : { split }) },
      window: { count: { min: clients, max: clients } },
    },
    world: { clients, data: { files: { csv: file } }, partition: { natural } },
  })
}

/** The input `a` of each client's rows: those that it trains on, and those that it holds out. */
async function dealt(scenario: Scenario) {
  const { train, test, rows, shape } = await dealWorld(scenario, folder, undefined)
  const width = shape.reduce((a, b) => a * b)
  const of = (features: Float32Array, own: Uint32Array) => [...own].map((row) => features[row * width]!)
  return {
    shape,
    clients: rows.map((own) => ({ train: of(train.features, own.train), test: of(test.features, own.test) })),
  }
}

const wards = ['north', 'south', 'east']

describe('by a column', () => {
  test('each client has the rows of its value, to train and held out, and no input tells which', async () => {
    await write(
      'wards.csv',
      table(60, (row) => wards[row % 3]!),
    )
    const { clients, shape } = await dealt(scenarioOf('wards.csv'))
    expect(shape).toEqual([2])
    // In the order of the values: east, north, south.
    for (const [client, ward] of [2, 0, 1].entries()) {
      const { train, test } = clients[client]!
      expect(new Set([...train, ...test].map((row) => row % 3))).toEqual(new Set([ward]))
      expect(train.length + test.length).toBe(20)
      expect(test.length).toBeGreaterThan(0)
    }
  })

  test('rows that the loader leaves out, quotes, and blanks do not shift it', async () => {
    const text = [
      'a,ward,b,y',
      '0,"no""rth, 1",0,0',
      'bad,south,0,0',
      '"2","so\nuth",1,1',
      '',
      '3,south,1',
      ...Array.from(
        { length: 40 },
        (_, i) => `${i + 4},${i % 2 === 0 ? '"no""rth, 1"' : ' "so'}${i % 2 === 0 ? '' : '\nuth"'},${i % 2},${i % 3}`,
      ),
    ]
    // A field that does not begin with its quote is plain, and ends with the line.
    const joined = text.join('\r\n').replaceAll(' "so\nuth"', '"so\nuth"')
    await write('quoted.csv', `\ufeff${joined}`)
    const { clients } = await dealt(scenarioOf('quoted.csv', { clients: 2 }))
    const all = clients.map(({ train, test }) => [...train, ...test].sort((a, b) => a - b))
    expect(all[0]).toEqual([0, ...Array.from({ length: 20 }, (_, i) => 4 + 2 * i)])
    expect(all[1]).toEqual([2, ...Array.from({ length: 20 }, (_, i) => 5 + 2 * i)])
  })

  test('numbers are in the order of numbers, of a column without a header and of type drop as well', async () => {
    const lines = Array.from({ length: 60 }, (_, row) => `${[10, 9, 100][row % 3]};${row};${row % 2};${row % 3}`)
    await write('bare.csv', lines.join('\n'))
    const columns = [{ name: 'ward', type: 'drop' }, ...csv.columns]
    const { clients } = await dealt(
      scenarioOf('bare.csv', { csv: { header: false, delimiter: ';', columns, missing: ['0.0'] } }),
    )
    expect(clients.map(({ train }) => train[0]! % 3)).toEqual([1, 0, 2])
  })

  test('fewer clients than values share whole groups', async () => {
    await write(
      'many.csv',
      table(120, (row) => `w${row % 6}`),
    )
    const { clients } = await dealt(scenarioOf('many.csv', { clients: 2 }))
    const groups = clients.map(({ train, test }) => new Set([...train, ...test].map((row) => row % 6)))
    expect(groups.map((own) => own.size)).toEqual([3, 3])
    expect(new Set(groups.flatMap((own) => [...own])).size).toBe(6)
  })

  test.each<[string, string, Changes, string, RegExp]>([
    [
      'that is not there, with the nearest one',
      table(30, () => 'x'),
      { natural: { column: 'wrad' } },
      'plan.invalid',
      /^world\.partition\.natural\.column: the data file has no column "wrad"; did you mean "ward"\?$/,
    ],
    [
      'with rows that have no value',
      table(60, (row) => (row === 7 ? 'NA' : wards[row % 3]!)),
      {},
      'data.schema',
      /^world\.partition\.natural: 1 rows have no value in ward$/,
    ],
    [
      'with fewer values than clients',
      table(30, (row) => wards[row % 2]!),
      {},
      'plan.infeasible',
      /2 values, 3 clients/,
    ],
  ])('%s is refused', async (_name, text, changes, code, message) => {
    await write('wrong.csv', text)
    const running = dealt(scenarioOf('wrong.csv', changes))
    await expect(running).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('that the model learns from is refused by name', () => {
    const columns = [{ name: 'ward', type: 'category', values: wards }, ...csv.columns]
    expect(() => scenarioOf('wards.csv', { csv: { columns } })).toThrow(
      /^world\.partition\.natural\.column: ward is an input of the model \(plan\.data\.csv\.columns\.0\); give it type drop/,
    )
  })
})

describe('by a file of ids', () => {
  test('each line says whose row of a table it is', async () => {
    await write(
      'plain.csv',
      table(60, () => 'x'),
    )
    await write('ids.txt', Array.from({ length: 60 }, (_, row) => wards[row % 3]).join('\r\n'))
    const { clients } = await dealt(scenarioOf('plain.csv', { natural: { file: 'ids.txt' } }))
    expect(clients.map(({ train }) => train[0]! % 3)).toEqual([2, 0, 1])
    for (const { train } of clients) expect(new Set(train.map((row) => row % 3)).size).toBe(1)
    await write('short.txt', 'a\nb\n')
    await expect(dealt(scenarioOf('plain.csv', { natural: { file: 'short.txt' } }))).rejects.toMatchObject({
      code: 'data.schema',
      message: expect.stringMatching(/natural\.file: .*short\.txt has 2 lines for 60 rows/),
    })
    await expect(dealt(scenarioOf('plain.csv', { natural: { file: 'nowhere.txt' } }))).rejects.toMatchObject({
      code: 'data.not-found',
    })
  })

  const idx = (axes: readonly number[], values: Uint8Array) => {
    const head = new Uint8Array(4 + 4 * axes.length)
    head.set([0, 0, 8, axes.length])
    for (const [i, axis] of axes.entries()) new DataView(head.buffer).setUint32(4 + 4 * i, axis)
    return Uint8Array.from([...head, ...values])
  }

  /** Images of two pixels, the first of which is the number of the image; every tenth label is none of the classes. */
  async function images(name: string, rows: number) {
    const labels = Uint8Array.from({ length: rows }, (_, row) => (row % 10 === 9 ? 7 : row % 3))
    const pixels = Uint8Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? i / 2 : 0))
    await writeFile(path(`${name}-images`), idx([rows, 1, 2], pixels))
    await writeFile(path(`${name}-labels.gz`), gzipSync(idx([rows], labels)))
    return { images: `${name}-images`, labels: `${name}-labels.gz` }
  }

  test.each([
    ['held out of one file', false],
    ['with test files of their own', true],
  ])('and of images %s', async (_name, tests) => {
    const files = { ...(await images('train', 100)), ...(tests ? { test: await images('test', 40) } : {}) }
    await write('writers.txt', `${Array.from({ length: 100 }, (_, row) => `writer ${row % 4}`).join('\n')}\n`)
    const scenario = checkScenario({
      scenario: 1,
      plan: {
        ...plan,
        data: { idx: { shape: [1, 2], classes: 3, divideBy: 1 } },
        window: { count: { min: 4, max: 4 } },
      },
      world: { clients: 4, data: { files }, partition: { natural: { file: 'writers.txt' } } },
    })
    const { clients } = await dealt(scenario)
    for (const [writer, { train, test }] of clients.entries()) {
      const own = Array.from({ length: 25 }, (_, i) => 4 * i + writer).filter((row) => row % 10 !== 9)
      if (tests) expect(train.sort((a, b) => a - b)).toEqual(own)
      else expect([...train, ...test].sort((a, b) => a - b)).toEqual(own)
    }
    expect((await simulate(scenario, { folder, workers: 0 })).rounds).toHaveLength(2)
  })
})

test.each<[string, object, RegExp]>([
  ['generated data', { data: { generated: 'blobs' }, partition: 'natural' }, /natural: generated data have nothing/],
  [
    'both a column and a file',
    { data: { files: { csv: 'x' } }, partition: { natural: { column: 'a', file: 'b' } } },
    /world\.partition\.natural\.file: give a column or a file, not both/,
  ],
])('%s: refused', (_name, world, message) => {
  expect(() => checkScenario({ scenario: 1, plan, world: { clients: 5, ...world } })).toThrow(
    expect.objectContaining({ code: 'plan.invalid', message: expect.stringMatching(message) }),
  )
})

test('images have no columns', () => {
  const data = { files: { images: 'x', labels: 'y' } }
  expect(() =>
    checkScenario({
      scenario: 1,
      plan: { ...plan, data: { idx: {} } },
      world: { clients: 5, data, partition: 'natural' },
    }),
  ).toThrow(/natural: images have no columns; give a file of client ids/)
})
