import { needsGram, pipelineOf } from '../../core/aggregation/pipeline.ts'
import type { RuleTable } from '../../core/aggregation/rule.ts'
import type { Kernels } from '../../kernels/index.ts'
import { RoundMatrix } from '../aggregation/round-matrix.ts'
import type { ActiveRun } from './active-run.ts'

export type MatricesOptions = {
  readonly kernels: Kernels
  /** Bytes of updates of one open round that may lie in memory in the clear. */
  readonly residentBytes: number
  /** By default those of the registry. */
  readonly rules?: RuleTable | undefined
}

/** The matrix of the open round of each run. */
export class Matrices {
  readonly #options: MatricesOptions
  readonly #open = new Map<string, { readonly round: number; readonly matrix: RoundMatrix }>()

  constructor(options: MatricesOptions) {
    this.#options = options
  }

  get kernels(): Kernels {
    return this.#options.kernels
  }

  /** The matrix of the run's open round; that of an earlier round is given up. */
  of({ run, plan }: ActiveRun): RoundMatrix {
    const { round, settings } = run.state
    const known = this.#open.get(run.id)
    if (known?.round === round) return known.matrix
    this.end(run.id)
    const wantsGram = needsGram(pipelineOf(plan.aggregation, this.#options.rules))
    const matrix = new RoundMatrix({ ...this.#options, parameters: settings.parameters, wantsGram })
    this.#open.set(run.id, { round, matrix })
    return matrix
  }

  /** Overwrites and frees what was kept of the run's round. */
  end(run: string): void {
    const known = this.#open.get(run)
    this.#open.delete(run)
    known?.matrix.dispose().catch(() => {})
  }

  endAll(): void {
    for (const run of [...this.#open.keys()]) this.end(run)
  }
}
