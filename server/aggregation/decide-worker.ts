import { parentPort, workerData } from 'node:worker_threads'
import { decide } from '../../core/aggregation/decide.ts'
import { pipelineOf } from '../../core/aggregation/pipeline.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { DecisionAnswer, DecisionQuestion } from './decide-elsewhere.ts'

const { section, input } = workerData as DecisionQuestion

function answer(): DecisionAnswer {
  try {
    return { decision: decide(pipelineOf(section), input) }
  } catch (failure) {
    const { code, message } = ParleyError.from(failure)
    return { failure: { code, message } }
  }
}

parentPort?.postMessage(answer())
