import { ParleyError } from '../errors/index.ts'
import type { Plan } from './plan.ts'

/** Throws `plan.infeasible` where something of the plan would tell of single rows past the noise, and says what would not. */
export function checkRecords({ privacy: { records, budget, noise }, data }: Plan): void {
  if (records === undefined) return
  if (budget !== undefined && noise === undefined) {
    throw infeasible('privacy.budget counts noise on updates; what rows may cost is privacy.records.epsilon')
  }
  if (!('csv' in data)) return
  const { standardise, columns } = data.csv
  if (standardise) {
    throw infeasible(
      'privacy.records does not cover means and deviations of a client’s own rows: leave data.csv.standardise out, and give columns numbers of their own, standardise: { mean, deviation }',
    )
  }
  const fitted = columns.find(
    (column) => column.type === 'number' && column.missing === 'mean' && column.standardise === undefined,
  )
  if (fitted !== undefined) {
    throw infeasible(
      `privacy.records does not cover the mean of a client’s own rows, by which the column ${fitted.name} replaces missing values: give a number, or standardise: { mean, deviation }`,
    )
  }
}

function infeasible(message: string): ParleyError {
  return new ParleyError('plan.infeasible', message, { details: { section: 'privacy' } })
}
