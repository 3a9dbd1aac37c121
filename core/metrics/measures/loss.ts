import { LOSS_CAP } from '../counts.ts'
import { type Metric, ratio } from '../metric.ts'

/** Mean log loss in nats, each row's capped at 100; null for numeric labels, which have `mse`. Of the rows' losses only the sum is known, so it has no interval. */
export const loss: Metric = {
  better: 'lower',
  range: [0, LOSS_CAP],
  value: (counts) => (counts.task === 'regression' ? null : ratio(counts.lossMicros / 1e6, counts.rows)),
  spread: 'none',
}
