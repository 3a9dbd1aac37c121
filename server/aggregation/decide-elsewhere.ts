import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Decision, decide } from '../../core/aggregation/decide.ts'
import { needsGram, type Pipeline, pipelineOf } from '../../core/aggregation/pipeline.ts'
import { rules as registry } from '../../core/aggregation/registry.ts'
import type { RuleInput, RuleTable } from '../../core/aggregation/rule.ts'
import { type ErrorCode, ParleyError } from '../../core/errors/index.ts'
import type { Aggregation } from '../../core/plan/aggregation.ts'

export type DecisionQuestion = {
  readonly section: Pick<Aggregation, 'before' | 'rule'>
  readonly input: RuleInput
  /** By default those of the registry. */
  readonly rules?: RuleTable | undefined
}
export type DecisionAnswer =
  | { readonly decision: Decision }
  | { readonly failure: { readonly code: ErrorCode; readonly message: string } }

/** Answers what the rule of a round says. */
export type Decide = (question: DecisionQuestion) => Promise<Decision>

/** Updates up to which every rule but those that search decides in a few milliseconds. */
const QUICK = 64

/** Decides at once where that is quick, else in a thread of its own: a coordinator has clients to listen to meanwhile. */
export const decideAside: Decide = async ({ section, input, rules }) => {
  const pipeline = pipelineOf(section, rules)
  const small = input.n <= QUICK && pipeline.rule.rule.searches !== true
  // Without inner products there is nothing that grows with the square of the cohort.
  const quick = small || !needsGram(pipeline)
  return quick || isForeign(pipeline) ? decide(pipeline, input) : await decideElsewhere({ section, input })
}

/** Another thread knows the registry alone, and a function cannot be sent to it. */
function isForeign({ rule: { name, rule } }: Pipeline): boolean {
  const known: RuleTable = registry
  return known[name] !== rule
}

async function decideElsewhere(question: Omit<DecisionQuestion, 'rules'>): Promise<Decision> {
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
