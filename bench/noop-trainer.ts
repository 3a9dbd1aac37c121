import type { Trainer } from '../client/index.ts'
import { type EvaluationCounts, SCORE_BINS } from '../core/metrics/counts.ts'
import { type Layout, layoutLength, layoutOf } from '../core/tensors/layout.ts'

/** The layout of a plan's `mlp` with one hidden layer, which the benchmark plans use. */
export function mlpLayout(inputs: number, hidden: number): Layout {
  return layoutOf([
    { name: 'dense_1/kernel', shape: [inputs, hidden] },
    { name: 'dense_1/bias', shape: [hidden] },
    { name: 'dense_2/kernel', shape: [hidden, 1] },
    { name: 'dense_2/bias', shape: [1] },
  ])
}

/** Trains nothing: every weight moves by `distance`, so that what is measured is the round and not the training. */
export function noopTrainer(layout: Layout, distance = 1e-4): Trainer {
  const trained = new Float32Array(layoutLength(layout))
  return {
    engine: 'none',
    layout,
    async train({ weights }) {
      for (let j = 0; j < trained.length; j++) trained[j] = (weights[j] as number) + distance
      return { weights: trained, samples: 10, loss: 0, steps: 1 }
    },
    evaluate: async () => noCounts,
    dispose: () => {},
  }
}

const noCounts: EvaluationCounts = {
  task: 'binary',
  rows: 1,
  truePositives: 1,
  falsePositives: 0,
  trueNegatives: 0,
  falseNegatives: 0,
  lossMicros: 0,
  positiveScores: [...Array<number>(SCORE_BINS - 1).fill(0), 1],
  negativeScores: Array<number>(SCORE_BINS).fill(0),
}
