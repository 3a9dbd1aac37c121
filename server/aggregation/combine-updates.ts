import { decide, emptyGram } from '../../core/aggregation/decide.ts'
import { needsGram, pipelineOf } from '../../core/aggregation/pipeline.ts'
import type { RuleTable } from '../../core/aggregation/rule.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Aggregation } from '../../core/plan/aggregation.ts'
import type { Block, Kernels } from '../../kernels/index.ts'
import { combine } from './combine.ts'
import { RoundMatrix } from './round-matrix.ts'
import type { UpdateRow } from './update-row.ts'

/**
 * What a plan's stages and rule make of updates that are in memory, all of one length: for experiments. Updates count
 * alike; rules that look back on earlier rounds see none. Throws `plan.infeasible`, and `request.invalid` for rules that
 * need data of the coordinator's.
 *
 * - `rules`: all that may be named; by default those of the registry.
 */
export async function combineUpdates(
  kernels: Kernels,
  updates: readonly Float32Array[],
  aggregation: Pick<Aggregation, 'before' | 'rule'>,
  { seed = 0, rules }: { readonly seed?: number; readonly rules?: RuleTable | undefined } = {},
): Promise<Float32Array> {
  const pipeline = pipelineOf(aggregation, rules)
  const { extra, usesSigns } = pipeline.rule.rule
  if (extra === 'root') throw new ParleyError('request.invalid', `${pipeline.rule.name} needs a root update`)
  const parameters = updates[0]?.length ?? 0
  const blocks: Block[] = []
  try {
    const rows = updates.map((values, i) => residentRow(kernels, values, i, blocks))
    // A first round has no center and no histories: zero rows.
    const zeros = new Float32Array(parameters)
    const count = extra === 'center' ? 1 : extra === 'histories' ? rows.length : 0
    const extras = Array.from({ length: count }, (_, k) => residentRow(kernels, zeros, rows.length + k, blocks))
    const matrix = new RoundMatrix({ kernels, parameters, wantsGram: true, residentBytes: 0 })
    const gram = needsGram(pipeline) ? await matrix.gram([...rows, ...extras]) : undefined
    const n = rows.length
    const decision = decide(pipeline, {
      gram: gram ?? emptyGram(n),
      n,
      clients: rows.map(({ client }) => client),
      samples: Array<number>(n).fill(1),
      steps: Array<number>(n).fill(1),
      ...(usesSigns === true ? { signs: updates.map(signsOf) } : {}),
      extra: extra === 'center' ? { center: n } : extra === 'histories' ? { histories: rows.map((_, i) => n + i) } : {},
      remembered: [],
      seed,
    })
    const out = new Float32Array(parameters)
    let at = 0
    const next = {
      wantsUpdates: false,
      prefetch: async () => {},
      write: async (_tile: unknown, aggregate: Float64Array) => {
        out.set(aggregate, at)
        at += aggregate.length
      },
    }
    await combine(kernels, { parameters, updates: rows, extra: extras, decision, gram, next, report: false })
    return out
  } finally {
    for (const block of blocks) block.release()
  }
}

function residentRow(kernels: Kernels, values: Float32Array, index: number, blocks: Block[]): UpdateRow {
  const resident = kernels.allocate(values.byteLength)
  blocks.push(resident)
  resident.float32().set(values)
  return {
    client: String(index).padStart(9, '0'),
    digest: String(index),
    samples: 1,
    steps: 1,
    norm: 0,
    tile: async () => values,
    resident,
  }
}

function signsOf(values: Float32Array) {
  let [positive, negative] = [0, 0]
  for (const value of values) {
    if (value > 0) positive++
    else if (value < 0) negative++
  }
  return { positive, negative, zero: values.length - positive - negative }
}
