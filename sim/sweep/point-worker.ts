/** A thread of a sweep's pool: one simulation after the other. */
import { parentPort } from 'node:worker_threads'
import { ParleyError } from '../../core/errors/index.ts'
import { type PointJob, type PointMessage, runPoint } from './point-job.ts'

const say = (message: PointMessage) => parentPort?.postMessage(message)

parentPort?.on('message', (job: PointJob) => {
  runPoint(job, (round, of) => say({ type: 'round', round, of })).then(
    (result) => say({ type: 'done', result }),
    (failure: unknown) => {
      const { code, message } = ParleyError.from(failure)
      say({ type: 'failed', code, message })
    },
  )
})
