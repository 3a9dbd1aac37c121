import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Decision, decide } from '../../core/aggregation/decide.ts'
import { needsGram, pipelineOf } from '../../core/aggregation/pipeline.ts'
import type { RuleInput } from '../../core/aggregation/rule.ts'
import { type ErrorCode, ParleyError } from '../../core/errors/index.ts'
import type { Aggregation } from '../../core/plan/aggregation.ts'

export type DecisionQuestion = { readonly section: Pick<Aggregation, 'before' | 'rule'>; readonly input: RuleInput }
export type DecisionAnswer =
  | { readonly decision: Decision }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string } }

/** Answers what the rule of a round says. */
export type Decide = (question: DecisionQuestion) => Promise<Decision>

/** Updates up to which every rule but those that search decides in a few milliseconds. */
const QUICK = 64

/** Decides at once where that is quick, else in a thread of its own: a coordinator has clients to listen to meanwhile. */
export const decideAside: Decide = async (question) => {
  const pipeline = pipelineOf(question.section)
  const small = question.input.n <= QUICK && pipeline.rule.rule.searches !== true
  // Without inner products there is nothing that grows with the square of the cohort.
  const quick = small || !needsGram(pipeline)
  return quick ? decide(pipeline, question.input) : await decideElsewhere(question)
}

async function decideElsewhere(question: DecisionQuestion): Promise<Decision> {
  const worker = new Worker(workerFile(), { workerData: question, execArgv: [] })
  try {
    const [answer] = (await once(worker, 'message')) as [DecisionAnswer]
    if ('failure' in answer) throw new ParleyError(answer.failure.code, answer.failure.message)
    return answer.decision
  } finally {
    await worker.terminate()
  }
}

/** Threads cannot load TypeScript on every version that is supported: sources use the build's worker. */
function workerFile(): URL {
  const built = import.meta.url.endsWith('.ts')
    ? '../../dist/server/aggregation/decide-worker.js'
    : './decide-worker.js'
  return new URL(built, import.meta.url)
}
