import { type Decision, emptyGram } from '../../core/aggregation/decide.ts'
import type { Gram } from '../../core/aggregation/gram.ts'
import { needsGram, type Pipeline, pipelineOf } from '../../core/aggregation/pipeline.ts'
import type { RuleInput, RuleTable } from '../../core/aggregation/rule.ts'
import type { Aggregation } from '../../core/plan/aggregation.ts'
import type { RobustnessReport } from '../../core/run/robustness.ts'
import type { Kernels } from '../../kernels/index.ts'
import type { BlobStore } from '../store/ports.ts'
import { type Combined, combine } from './combine.ts'
import { type Decide, decideAside } from './decide-elsewhere.ts'
import { type ExtraRow, extraRowsOf } from './extra-rows.ts'
import type { AggregationMemory, VectorRef } from './memory.ts'
import { NextModel, type NextModelInput } from './next-model.ts'
import { type Release, releasedMean } from './release.ts'
import { alignmentOf, reportOf } from './report.ts'
import { RoundMatrix } from './round-matrix.ts'
import { countSigns } from './signs.ts'
import type { UpdateRow } from './update-row.ts'

export type AggregationInput = Pick<NextModelInput, 'model' | 'optimizer' | 'control' | 'frozen'> & {
  readonly blobs: Pick<BlobStore, 'read' | 'create'>
  readonly kernels: Kernels
  /** Float32 values of the flat vector. */
  readonly parameters: number
  /** In the order of client ids. */
  readonly rows: readonly UpdateRow[]
  /** The plan's stages and its rule. */
  readonly section: Pick<Aggregation, 'before' | 'rule'>
  /** By default those of the registry. */
  readonly rules?: RuleTable | undefined
  /** What the last round left. */
  readonly memory: AggregationMemory
  /** The coordinator's own update, where the rule asks for one. */
  readonly root: VectorRef | undefined
  /** For the draws of stages. */
  readonly seed: number
  /** What was worked out of the updates while they came in. */
  readonly matrix?: RoundMatrix
  /** The release of a noisy mean, in place of what the rule decides. */
  readonly release?: Release
  /** By default in a thread of its own where it may take long. */
  readonly decide?: Decide
}

export type AggregationResult = {
  readonly model: VectorRef
  /** The model without control variates; absent where it has none. */
  readonly weights?: VectorRef
  readonly memory: AggregationMemory
  readonly report: RobustnessReport
}

/**
 * Makes the next model file from a round's updates. One pass over the updates, or none where they were multiplied as they
 * came in, gives their inner products; the rule decides on these alone; a last pass, a tile of 1 MiB at a time, makes the
 * aggregate and the weights. Memory does not grow with the model, and nothing depends on the order of arrival.
 */
export async function aggregate(input: AggregationInput): Promise<AggregationResult> {
  const { section, rules, parameters, blobs, memory, root, rows, decide = decideAside } = input
  const pipeline = pipelineOf(section, rules)
  const clients = rows.map(({ client }) => client)
  const extra = extraRowsOf(pipeline.rule.rule.extra, { blobs, parameters, clients, memory, root })
  const gram = needsGram(pipeline) ? await gramOf(input, extra.rows) : undefined
  const decision =
    input.release === undefined
      ? await decide({ section, rules, input: await ruleInputOf(input, pipeline, gram, extra) })
      : releasedMean(input.release, rows, gram?.size ?? rows.length)
  const next = await NextModel.open({ ...input, clients, carry: pipeline.rule.rule.extra })
  try {
    const combined = await combine(input.kernels, {
      parameters,
      updates: rows,
      extra: extra.rows,
      decision,
      gram,
      next,
      report: true,
      ...(input.frozen === undefined ? {} : { frozen: input.frozen }),
      ...(input.release === undefined ? {} : { release: input.release }),
    })
    const made = await next.commit(decision.remember)
    return { ...made, report: reportOf(pipeline, rows, decision, alignment(gram, decision, combined), combined.kept) }
  } finally {
    await next.release()
  }
}

function alignment(gram: Gram | undefined, { result }: Decision, { products, squaredNorm }: Combined) {
  if (products !== undefined) return { products, squaredNorm }
  const coefficients = result.kind === 'combination' ? result.coefficients : new Float64Array(0)
  return alignmentOf(gram ?? emptyGram(0), coefficients)
}

async function gramOf(
  { matrix, kernels, parameters, rows }: AggregationInput,
  extra: readonly ExtraRow[],
): Promise<Gram> {
  if (matrix !== undefined) return await matrix.gram([...rows, ...extra])
  const own = new RoundMatrix({ kernels, parameters, wantsGram: true, residentBytes: 0 })
  return await own.gram([...rows, ...extra]).finally(() => own.dispose())
}

async function ruleInputOf(
  { rows, memory, seed, kernels, parameters }: AggregationInput,
  pipeline: Pipeline,
  gram: Gram | undefined,
  extra: ReturnType<typeof extraRowsOf>,
): Promise<RuleInput> {
  const signs = pipeline.rule.rule.usesSigns === true ? await countSigns(kernels, rows, parameters) : undefined
  return {
    gram: gram ?? emptyGram(rows.length),
    n: rows.length,
    clients: rows.map(({ client }) => client),
    samples: rows.map(({ samples }) => samples),
    steps: rows.map(({ steps }) => steps),
    ...(signs === undefined ? {} : { signs }),
    extra: extra.places,
    remembered: memory.numbers,
    seed,
  }
}
