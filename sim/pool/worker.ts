import { parentPort, workerData } from 'node:worker_threads'
import type { Job, World } from './job.ts'
import { Workbench } from './workbench.ts'

const bench = new Workbench(workerData as World)

parentPort?.on('message', ({ id, job }: { id: number; job: Job }) => {
  bench.do(job).then(
    (result) => {
      const transfer = result.kind === 'train' ? [result.weights.buffer as ArrayBuffer] : []
      parentPort?.postMessage({ id, result }, transfer)
    },
    (error: unknown) => parentPort?.postMessage({ id, failure: describe(error) }),
  )
})

function describe(error: unknown): { code?: string; message: string } {
  if (!(error instanceof Error)) return { message: String(error) }
  return 'code' in error && typeof error.code === 'string'
    ? { code: error.code, message: error.message }
    : { message: error.message }
}
