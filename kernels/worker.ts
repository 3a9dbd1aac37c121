/** A thread of the pool: takes jobs in the order in which they are posted, and reports each. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Report, Seat, Task } from './pool.ts'
import { instantiate } from './wasm.ts'
import { run, stop } from './work.ts'

const { module, memory, thread } = workerData as Seat
const kernels = instantiate(module, memory)

parentPort?.on('message', ({ id, work }: Task) => {
  const report = (failure?: string) => parentPort?.postMessage({ id, failure } satisfies Report)
  try {
    const steps = run(kernels, work, thread)
    while (steps.next().done !== true);
    report()
  } catch (thrown) {
    // The others would wait for this thread's chunk.
    stop(work.control)
    report(String(thrown))
  }
})
