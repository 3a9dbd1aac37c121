import { dirname } from 'node:path'
import type { BadRows } from '../data/dataset.ts'
import { type DataFiles, loadDataset } from '../data/load.ts'
import { outlineOf } from '../data/outline.ts'
import { filesOf } from '../policy/file-policy.ts'
import { readPolicy } from '../policy/policy-file.ts'
import { anyOf, type Finding, failed, ok, type Part, warn } from './finding.ts'
import type { DoctorOptions } from './options.ts'

export type NamedData = { readonly name: string; readonly files: DataFiles }

/** The data that a client would use: what it is started with, else the data sets of its policy. */
export async function dataOf({ data, policy }: DoctorOptions): Promise<readonly NamedData[]> {
  if (data !== undefined) return [{ name: 'data', files: data }]
  if (policy === undefined) return []
  const read = await readPolicy(policy.path).catch(() => undefined)
  return Object.entries(read?.data ?? {}).map(([name, set]) => ({ name, files: filesOf(set, dirname(policy.path)) }))
}

/** Whether the data can be read: by the plan's schema where there is a plan, else its outline. No value is shown, nor the name of a file. */
export async function checkData(sets: readonly NamedData[], options: DoctorOptions): Promise<Finding> {
  if (sets.length === 0)
    return warn('neither the options nor the policy name data', 'give --data, or name it in the policy')
  const parts: Part[] = []
  // One after the other: each may fill the memory.
  for (const { name, files } of sets) parts.push({ at: name, finding: await checkSet(files, options) })
  return parts.every(({ finding }) => finding.outcome !== 'fail') ? anyOf(parts) : { ...anyOf(parts), outcome: 'fail' }
}

async function checkSet(files: DataFiles, { plan }: DoctorOptions): Promise<Finding> {
  try {
    if (plan === undefined) {
      const { rows, columns, odd } = await outlineOf(files)
      const value = `${rows} rows of ${columns} columns${odd === 0 ? '' : `, and ${odd} of another number of columns`}`
      const measured = { rows, columns, odd }
      return odd === 0
        ? ok(`${value}; give --plan to read it by a schema`, measured)
        : warn(value, 'mend those rows, or they are left out', measured)
    }
    const { rows, used, bad, train, test } = (await loadDataset(plan.data, files)).report
    const measured = { rows, used, bad: rows - used, train, heldOut: test }
    const value = `${used} of ${rows} rows usable, ${train} to train and ${test} held out`
    return bad.length === 0
      ? ok(value, measured)
      : warn(
          `${value}; bad rows: ${bad.map(badText).join(', ')}`,
          'bad rows are left out: mend them if they matter',
          measured,
        )
  } catch (failure) {
    return failed(failure)
  }
}

const badText = ({ reason, column, count }: BadRows) =>
  `${count} ${reason}${column === undefined ? '' : ` in ${column}`}`
