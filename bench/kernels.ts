import { type Block, createKernels, type Kernels } from '../kernels/index.ts'

export type KernelRow = {
  readonly kernel: string
  readonly n: number
  readonly d: number
  readonly threads: number
  /** The quickest of a few runs. */
  readonly ms: number
  /** 2·pairs·d for the Gram matrix, 2·n·m·d for a mix. */
  readonly gflops?: number
  /** Bytes of the rows that are read. */
  readonly gbs?: number
}

const RUNS = 4

/** The kernels on random rows of a million coordinates, with one worker thread and with two. */
export async function benchKernels(): Promise<{ readonly rows: readonly KernelRow[] }> {
  const rows: KernelRow[] = []
  for (const threads of [1, 2]) {
    const kernels = createKernels({ threads })
    try {
      rows.push(...(await benchOf(kernels)))
    } finally {
      await kernels.close()
    }
  }
  return { rows }
}

async function benchOf(kernels: Kernels): Promise<KernelRow[]> {
  const d = 1_000_000
  const blocks = Array.from({ length: 100 }, (_, i) => randomRow(kernels, d, i + 1))
  const output = kernels.allocate(8 * d)
  const out = output.address
  const { threads } = kernels
  const found: KernelRow[] = []
  const measured = async (
    kernel: string,
    n: number,
    length: number,
    job: (rows: number[]) => Promise<unknown>,
    flop?: number,
  ) => {
    const rows = blocks.slice(0, n).map(({ address }) => address)
    const ms = await quickest(async () => await job(rows))
    const rate =
      flop === undefined ? { gbs: round((4 * n * length) / ms / 1e6) } : { gflops: round((flop * length) / ms / 1e6) }
    found.push({ kernel, n, d: length, threads, ms: round(ms), ...rate })
  }

  for (const n of [64, 100]) {
    const gram = new Float64Array(n * n)
    await measured(
      'gram',
      n,
      d,
      async (rows) => await kernels.gram({ rows, from: 0, length: d, out: gram }),
      n * (n + 1),
    )
  }
  const gram = new Float64Array(100 * 100)
  await measured('gram, last row', 100, d, async (rows) => await kernels.gram({ rows, from: 99, length: d, out: gram }))

  const weights = Float64Array.from({ length: 100 }, (_, i) => 1 / (i + 1))
  await measured('combine', 100, d, async (rows) => await kernels.combine({ rows, weights, length: d, out }))
  await measured('dots', 100, d, async (rows) => await kernels.dots({ rows, vector: out, length: d }))
  await measured('signs', 1, d, async ([row = 0]) => await kernels.signs({ row, length: d }))

  for (const n of [64, 100]) {
    for (const [name, drop] of [
      ['median', Math.floor((n - 1) / 2)],
      ['trimmed mean 10 %', Math.floor(n / 10)],
    ] as const) {
      const reduce = { kind: 'trimmed-mean', drop } as const
      await measured(name, n, d, async (rows) => await kernels.columns({ rows, reduce, length: d, out }))
    }
  }
  const nearest = { kind: 'nearest-median', keep: 80 } as const
  await measured(
    'meamed 20 %',
    100,
    d,
    async (rows) => await kernels.columns({ rows, reduce: nearest, length: d, out }),
  )

  const mix = { rows: 100, values: Float64Array.from({ length: 100 * 100 }, (_, at) => (at % 5 === 0 ? 0 : 1 / 80)) }
  const reduce = { kind: 'trimmed-mean', drop: 20 } as const
  const job = async (rows: number[]) => await kernels.columns({ rows, mix, reduce, length: d / 10, out })
  await measured('mix and trimmed mean 20 %', 100, d / 10, job, 2 * 100 * 100)

  for (const block of [...blocks, output]) block.release()
  return found
}

/** Values between −1 and 1; an xorshift generator, as fast as the memory. */
function randomRow(kernels: Kernels, length: number, seed: number): Block {
  const block = kernels.allocate(4 * length)
  const values = block.float32()
  let state = seed * 2_654_435_761
  for (let at = 0; at < length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    values[at] = state / 2 ** 31
  }
  return block
}

async function quickest(job: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now()
    await job()
    best = Math.min(best, performance.now() - start)
  }
  return best
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
