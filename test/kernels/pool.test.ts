/** Threads that die, threads that are idle, jobs that queue. */
import { execFile } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { createKernels } from '../../kernels/index.ts'
import { SharedMemory } from '../../kernels/memory.ts'
import { Pool, startWorker } from '../../kernels/pool.ts'
import { built, kernelModule } from '../../kernels/wasm.ts'
import { newControl, type Work } from '../../kernels/work.ts'

/** A pool of two threads with hands on the threads. */
function pool() {
  const memory = new SharedMemory()
  const workers: Worker[] = []
  const threads = new Pool(2, kernelModule(), memory.memory, (seat) => {
    const worker = startWorker(seat)
    workers.push(worker)
    return worker
  })
  const row = memory.allocate(4 * 1_000_000)
  const table = memory.allocate(4 * 200)
  new Uint32Array(memory.memory.buffer, table.address, 200).fill(row.address)
  const counts = memory.allocate(8 * 16)
  /** Counts signs: over in a moment. */
  const short = (at = row.address): Work => {
    const control = newControl()
    return { kind: 'signs', length: 1_000_000, chunk: 65_536, control, row: at, out: counts.address }
  }
  /** A Gram matrix of 200 rows: a second or more. */
  const long = (): Work & { kind: 'gram' } => {
    const space = memory.allocate(8 * 200 * 200 * 5).address
    const [sum, partials, slots] = [space, space + 8 * 200 * 200, 4]
    const control = newControl(slots)
    return {
      ...{ kind: 'gram', length: 1_000_000, chunk: 4096, control },
      ...{ rows: table.address, n: 200, from: 0, sum, partials, slots },
    }
  }
  return { threads, workers, memory, short, long, row, table }
}

const codeOf = async (job: Promise<unknown>) =>
  await job.then(
    () => 'done',
    ({ code }: { code: string }) => code,
  )

describe('threads', () => {
  test('start with the first job, and serve the next ones', async () => {
    const { threads, workers, short } = pool()
    expect(workers.length).toBe(0)
    await threads.run(short())
    await Promise.all([threads.run(short()), threads.run(short()), threads.run(short())])
    expect(workers.length).toBe(2)
    await threads.close()
  })

  test('that die in the middle of a job fail it and all that wait, and the next job finds new ones', async () => {
    const { threads, workers, short, long } = pool()
    const work = long()
    const running = codeOf(threads.run(work))
    const waiting = codeOf(threads.run(short()))
    // Both threads have taken a chunk.
    while (Atomics.load(work.control, 0) < 2) await setImmediate()
    await workers[0]!.terminate()
    expect(await Promise.all([running, waiting])).toEqual(['internal', 'internal'])
    // The other thread has ended too: nobody writes into memory that the caller now gives away.
    expect(workers[1]!.threadId).toBe(-1)
    expect(await codeOf(threads.run(short()))).toBe('done')
    expect(workers.length).toBe(4)
    await threads.close()
  })

  test('that die while idle are replaced', async () => {
    const { threads, workers, short } = pool()
    await threads.run(short())
    await workers[1]!.terminate()
    expect(await codeOf(threads.run(short()))).toBe('done')
    expect(workers.length).toBe(4)
    await threads.close()
  })

  test('report a kernel that traps, and go on', async () => {
    const { threads, workers, short, long } = pool()
    const trapping = { ...long(), rows: 0xffff_0000 }
    const failed = codeOf(threads.run(trapping))
    expect(await codeOf(threads.run(short()))).toBe('done')
    expect(await failed).toBe('internal')
    expect(workers.length).toBe(2)
    await threads.close()
  })

  test('wait for a place for their sums; when the other one traps they do not wait for ever', async () => {
    const { threads, memory, long, row, table } = pool()
    row.float32().set(Float32Array.from({ length: 1_000_000 }, (_, at) => Math.sin(at)))
    const sumOf = async (slots: number) => {
      const work = { ...long(), n: 60, slots }
      await threads.run(work)
      return Array.from(new Float64Array(memory.memory.buffer, work.sum, 3600))
    }
    // The first job waits for the threads to start; with one place only one of them can work at a time.
    const expected = await sumOf(4)
    expect(await sumOf(1)).toEqual(expected)
    // A row that goes on behind the end of the memory: first chunks are done, later ones trap.
    const late = memory.memory.buffer.byteLength - 400_000
    new Uint32Array(memory.memory.buffer, table.address, 60).fill(late)
    expect(await codeOf(threads.run({ ...long(), n: 60, slots: 1 }))).toBe('internal')
    await threads.close()
  })

  test('end with the pool, after the job that runs; later jobs are refused', async () => {
    const { threads, workers, short } = pool()
    const last = codeOf(threads.run(short()))
    await Promise.all([threads.close(), threads.close()])
    expect(await last).toBe('done')
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1])
    expect(await codeOf(threads.run(short()))).toBe('interrupted')
  })

  test('see blocks that were allocated after they started', async () => {
    const kernels = createKernels({ threads: 2, inlineBelow: 0 })
    for (const mebibytes of [1, 40, 80]) {
      const block = kernels.allocate(mebibytes * 2 ** 20)
      block.float32().fill(-1)
      const length = mebibytes * 2 ** 18
      expect(await kernels.signs({ row: block.address, length })).toEqual({ positive: 0, negative: length })
    }
    await kernels.close()
  })
})

describe('a process', () => {
  const run = async (script: string) => {
    const face = JSON.stringify(built('index.js').href)
    const text = `import { createKernels } from ${face}; ${script}`
    return await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', text], { timeout: 20_000 })
  }

  test('waits for the job that runs, and not for idle threads', async () => {
    const { stdout } = await run(`
      const kernels = createKernels({ threads: 2, inlineBelow: 0 })
      const row = kernels.allocate(4_000_000)
      row.float32().fill(1)
      kernels.signs({ row: row.address, length: 1_000_000 }).then(({ positive }) => console.log(positive))
    `)
    expect(stdout).toBe('1000000\n')
  })

  test('that asks for no threads has none', async () => {
    const { stdout } = await run(`
      const kernels = createKernels({ threads: 0 })
      const row = kernels.allocate(4 * 1_000_000)
      const rows = new Array(64).fill(row.address)
      let turns = 0
      const timer = setInterval(() => turns++, 1)
      const out = new Float64Array(64 * 64)
      await kernels.gram({ rows, from: 0, length: 1_000_000, out })
      clearInterval(timer)
      console.log(kernels.threads, turns > 2)
      await kernels.close()
      console.log(await kernels.signs({ row: row.address, length: 1 }).catch(({ code }) => code))
    `)
    expect(stdout).toBe('0 true\ninterrupted\n')
  })
})
