/** Every kernel against plain loops, and every result to the bit whatever the threads and groups are. */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { ColumnReduction } from '../../core/aggregation/rule.ts'
import { createKernels, type Kernels } from '../../kernels/index.ts'
import {
  columnScale,
  combinationOf,
  gramOf,
  lengths,
  mixOf,
  output,
  placed,
  reducedColumns,
  rowsOf,
  worst,
} from './reference.ts'

// At once on this thread, in slices on this thread, by one worker, by two.
const atOnce = createKernels({ threads: 0, inlineBelow: Number.POSITIVE_INFINITY })
const all = [atOnce, ...[0, 1, 2].map((threads) => createKernels({ threads, inlineBelow: 0 }))]
afterAll(async () => await Promise.all(all.map(async (kernels) => await kernels.close())))

/** The result of a job, which all kernels must agree on to the bit. */
async function agreed(job: (kernels: Kernels) => Promise<ArrayLike<number>>): Promise<number[]> {
  const results = await Promise.all(all.map(async (kernels) => Array.from(await job(kernels))))
  for (const result of results.slice(1)) {
    if (!result.every((value, at) => Object.is(value, results[0]![at]))) expect(result).toEqual(results[0])
  }
  return results[0]!
}

const counts = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(16, 17, 31, 33, 64, 65, 100, 127, 130))
const shapes = fc
  .record({ n: counts, length: fc.constantFrom(...lengths, 32_769), seed: fc.nat() })
  .map(({ n, length, seed }) => ({ n, length: n * length > 300_000 ? 1025 : length, seed }))
const runs = (numRuns: number) => ({ numRuns, examples: [] })

describe('gram', () => {
  const gram = async (kernels: Kernels, rows: readonly Float32Array[], groups: readonly number[]) => {
    const { addresses, release } = placed(kernels, rows)
    let out = new Float64Array(0)
    let from = 0
    for (const size of groups) {
      // Rows as they arrive: the matrix grows, what is in it stays.
      const grown = new Float64Array(size * size)
      for (let i = 0; i < from; i++) grown.set(out.subarray(i * from, (i + 1) * from), i * size)
      out = grown
      await kernels.gram({ rows: addresses.slice(0, size), from, length: rows[0]!.length, out })
      from = size
    }
    release()
    return out
  }

  // 256 products in a lane of float32: at most 256 · 2⁻²⁴ of the sum of their sizes, 1.5e-5.
  test('is that of a plain loop to 2e-5 of the sum of absolute products, and symmetric', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ n, length, seed }) => {
        const rows = rowsOf(n, length, seed)
        const found = await agreed(async (kernels) => await gram(kernels, rows, [n]))
        const { values, scale } = gramOf(rows)
        expect(worst(found, values, scale)).toBeLessThan(2e-5)
        for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(found[i * n + j]).toBe(found[j * n + i])
      }),
      runs(25),
    )
  })

  test('has the same bytes in whatever groups the rows arrive', async () => {
    const groups = fc.uniqueArray(fc.integer({ min: 1, max: 37 }), { minLength: 1, maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(groups, fc.constantFrom(5, 1023, 1025, 4097), fc.nat(), async (sizes, length, seed) => {
        const rows = rowsOf(37, length, seed)
        const grown = await gram(atOnce, rows, [...sizes.filter((size) => size < 37).sort((a, b) => a - b), 37])
        expect(grown).toEqual(await gram(atOnce, rows, [37]))
      }),
      runs(25),
    )
  })

  test('gives a pair the same value among other rows and in the other order', async () => {
    const rows = rowsOf(23, 5001, 3)
    const together = await gram(atOnce, rows, [23])
    for (const [i, j] of [
      [0, 0],
      [1, 0],
      [22, 21],
      [22, 3],
      [13, 12],
      [4, 3],
    ] as const) {
      const pair = await gram(atOnce, [rows[j]!, rows[i]!], [2])
      const reversed = await gram(atOnce, [rows[i]!, rows[j]!], [2])
      expect([pair[1], reversed[1]]).toEqual([together[i * 23 + j], together[i * 23 + j]])
    }
  })

  test('adds to what is there, and leaves pairs of known rows alone', async () => {
    const { addresses, release } = placed(atOnce, rowsOf(3, 10, 1))
    const fresh = new Float64Array(9)
    await atOnce.gram({ rows: addresses, from: 0, length: 10, out: fresh })
    const out = new Float64Array(9).fill(1000)
    await atOnce.gram({ rows: addresses, from: 2, length: 10, out })
    expect(Array.from(out)).toEqual(Array.from(fresh, (value, at) => (at >= 6 || at % 3 === 2 ? 1000 + value : 1000)))
    release()
  })

  test('of values of 1e15 is finite', async () => {
    const rows = [1e15, -1e15, 1e-15].map((value) => new Float32Array(3001).fill(value))
    const found = await agreed(async (kernels) => await gram(kernels, rows, [3]))
    const { values, scale } = gramOf(rows)
    expect(worst(found, values, scale)).toBeLessThan(2e-5)
  })
})

test('combine is a plain loop in float64, to the bit, and its products are those of dots', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async ({ n, length, seed }) => {
      const rows = rowsOf(n, length, seed)
      const weights = Float64Array.from({ length: n }, (_, i) => (i % 5 === 2 ? 0 : Math.sin(seed + i)))
      const found = await agreed(async (kernels) => {
        const { addresses, release } = placed(kernels, rows)
        const job = async (out: number) => {
          const products = addresses.slice(0, seed % (n + 1))
          const dots = await kernels.combine({ rows: addresses, weights, length, out, products })
          expect(dots).toEqual(await kernels.dots({ rows: products, vector: out, length }))
        }
        const result = await output(kernels, length, job)
        release()
        return result
      })
      expect(worst(found, combinationOf(rows, weights, length), new Float64Array(length).fill(1))).toBe(0)
    }),
    runs(25),
  )
})

test('combine does not read rows of weight 0', async () => {
  const rows = [Float32Array.of(Number.NaN, 1), Float32Array.of(2, 3)]
  const { addresses, release } = placed(atOnce, rows)
  const weights = Float64Array.of(0, 2)
  const job = async (out: number) => void (await atOnce.combine({ rows: addresses, weights, length: 2, out }))
  expect(await output(atOnce, 2, job)).toEqual(Float64Array.of(4, 6))
  const none = async (out: number) =>
    void (await atOnce.combine({ rows: [], weights: new Float64Array(0), length: 2, out }))
  expect(await output(atOnce, 2, none)).toEqual(Float64Array.of(0, 0))
  release()
})

describe('columns', () => {
  const columns = async (
    rows: readonly Float32Array[],
    reduce: ColumnReduction,
    mix?: { rows: number; values: Float64Array },
  ) => {
    const length = rows[0]!.length
    return await agreed(async (kernels) => {
      const { addresses, release } = placed(kernels, rows)
      const job = async (out: number) =>
        await kernels.columns({ rows: addresses, reduce, length, out, ...(mix === undefined ? {} : { mix }) })
      const result = await output(kernels, length, job)
      release()
      return result
    })
  }
  const reductionOf = (m: number, share: number, nearest: boolean): ColumnReduction =>
    nearest
      ? { kind: 'nearest-median', keep: 1 + Math.floor(share * (m - 1)) }
      : { kind: 'trimmed-mean', drop: Math.floor((share * (m - 1)) / 2) }
  const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }))

  // The same values, added up in float64 in another order.
  test('are those of sorted arrays to 1e-14 of the sum of absolute values', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, share, fc.boolean(), async ({ n, length, seed }, part, nearest) => {
        const rows = rowsOf(n, length, seed)
        const reduce = reductionOf(n, part, nearest)
        const found = await columns(rows, reduce)
        expect(worst(found, reducedColumns(rows, reduce, length), columnScale(rows, length))).toBeLessThan(1e-14)
      }),
      runs(40),
    )
  })

  test('of every count and reduction up to nine rows are right', async () => {
    for (let n = 1; n <= 9; n++) {
      // Small whole numbers: many ties, sums without rounding.
      const rows = rowsOf(n, 300, n).map((row) => row.map((value) => Math.round(value * 3) % 4))
      const reductions: ColumnReduction[] = [
        ...Array.from({ length: Math.ceil(n / 2) }, (_, drop) => ({ kind: 'trimmed-mean', drop }) as const),
        ...Array.from({ length: n }, (_, at) => ({ kind: 'nearest-median', keep: at + 1 }) as const),
      ]
      for (const reduce of reductions) {
        expect(Array.from(await columns(rows, reduce), (value) => value + 0)).toEqual(
          Array.from(reducedColumns(rows, reduce, 300), (value) => value + 0),
        )
      }
    }
  })

  test('of mixed rows are those of the rows worked out one by one', async () => {
    const mixed = fc.integer({ min: 1, max: 40 })
    await fc.assert(
      fc.asyncProperty(shapes, mixed, share, fc.boolean(), async ({ n, length, seed }, m, part, nearest) => {
        const width = Math.min(length, 1025)
        const rows = rowsOf(n, width, seed)
        const values = Float64Array.from({ length: m * n }, (_, at) => (at % 3 === 0 ? 0 : Math.cos(seed + at)))
        const mix = { rows: m, values }
        const reduce = reductionOf(m, part, nearest)
        const found = await columns(rows, reduce, mix)
        const points = mixOf(rows, mix, width)
        expect(worst(found, reducedColumns(points, reduce, width), columnScale(points, width))).toBeLessThan(1e-14)
      }),
      runs(30),
    )
  })

  test('lose nothing to values of 1e30', async () => {
    const rows = [1e30, 1, 2, 3, -1e30].map((value) => new Float32Array(131).fill(value))
    expect(await columns(rows, { kind: 'trimmed-mean', drop: 1 })).toEqual(new Array(131).fill(2))
    expect(await columns(rows, { kind: 'nearest-median', keep: 3 })).toEqual(new Array(131).fill(2))
    expect(await columns(rows, { kind: 'nearest-median', keep: 1 })).toEqual(new Array(131).fill(2))
    const huge = [3e38, 3e38, -3e38].map((value) => new Float32Array(9).fill(value))
    const third = Math.fround(3e38) / 3
    for (const value of await columns(huge, { kind: 'trimmed-mean', drop: 0 })) expect(value).toBeCloseTo(third, -25)
  })

  test('of nothing, or with nothing kept, are a defect', async () => {
    const { addresses, release } = placed(atOnce, rowsOf(3, 4, 1))
    const failing = async (reduce: ColumnReduction, rows = addresses) =>
      await atOnce.columns({ rows, reduce, length: 4, out: addresses[0]! }).then(
        () => 'none',
        ({ code }: { code: string }) => code,
      )
    expect(await failing({ kind: 'trimmed-mean', drop: 2 })).toBe('internal')
    expect(await failing({ kind: 'trimmed-mean', drop: -1 })).toBe('internal')
    expect(await failing({ kind: 'nearest-median', keep: 0 })).toBe('internal')
    expect(await failing({ kind: 'nearest-median', keep: 4 })).toBe('internal')
    expect(await failing({ kind: 'trimmed-mean', drop: 0 }, [])).toBe('internal')
    release()
  })
})

test('dots are those of a plain loop to 1e-12 of the sum of absolute products, for each row by itself', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, async ({ n, length, seed }) => {
      const rows = rowsOf(n, length, seed)
      const values = Float64Array.from({ length }, (_, c) => Math.sin(seed + c) * 1e3)
      const dots = async (kernels: Kernels, some: readonly Float32Array[]) => {
        const { addresses, release } = placed(kernels, some)
        const vector = kernels.allocate(8 * length)
        vector.float64().set(values)
        const result = await kernels.dots({ rows: addresses, vector: vector.address, length })
        vector.release()
        release()
        return result
      }
      const found = await agreed(async (kernels) => await dots(kernels, rows))
      const expected = rows.map((row) => row.reduce((sum, value, c) => sum + value * values[c]!, 0))
      const scale = rows.map((row) => row.reduce((sum, value, c) => sum + Math.abs(value * values[c]!), 1e-300))
      expect(worst(found, expected, scale)).toBeLessThan(1e-12)
      expect((await dots(atOnce, [rows[n - 1]!]))[0]).toBe(found[n - 1])
    }),
    runs(25),
  )
})

test('signs are exact', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...lengths, 32_769, 131_073), fc.nat(), async (length, seed) => {
      const [row] = rowsOf(1, length, seed) as [Float32Array]
      row[length >> 1] = -0
      const found = await agreed(async (kernels) => {
        const { addresses, release } = placed(kernels, [row])
        const { positive, negative } = await kernels.signs({ row: addresses[0]!, length })
        release()
        return [positive, negative]
      })
      expect(found).toEqual([row.filter((value) => value > 0).length, row.filter((value) => value < 0).length])
    }),
    runs(25),
  )
})

test('rows may end where the memory ends', async () => {
  const kernels = createKernels({ threads: 0, maxBytes: 131_072 })
  const block = kernels.allocate(8 * 4)
  kernels.allocate(8).release()
  for (const length of [1, 2, 3, 4]) {
    const rows = [131_072 - 16, 131_072 - 16]
    const out = block.address
    const gram = new Float64Array(4)
    await kernels.gram({ rows, from: 0, length, out: gram })
    await kernels.combine({ rows, weights: Float64Array.of(1, 1), length, out })
    await kernels.columns({ rows, reduce: { kind: 'trimmed-mean', drop: 0 }, length, out })
    await kernels.dots({ rows, vector: out, length })
    await kernels.signs({ row: rows[0]!, length })
    expect([...gram, ...block.float64()].every((value) => value === 0)).toBe(true)
  }
  await kernels.close()
})
