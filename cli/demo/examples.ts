import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { MetricName } from '../../core/metrics/metrics.ts'
import { writeSyntheticFraud } from './fraud/transactions.ts'
import { heartFilesIn } from './hospitals.ts'

/** Who takes part in a demonstration, each as a process of its own. */
export type Participant = {
  readonly name: string
  /** Its own folder: its key, its memory and its data. */
  readonly home: string
  readonly data: string
  readonly carrier: 'grpc' | 'ws'
}

/** What `parley demo` can show. */
export type Example = {
  /** The plan, a path below `examples/`. */
  readonly plan: string
  /** What is synthetic about its data, in words. */
  readonly synthetic: string
  /** Metrics that say something of this task. */
  readonly metrics: readonly MetricName[]
  /** Whether people can have it run on real files. */
  readonly takesData: boolean
  /** Writes the file of each participant below `folder`: those that lie in `data`, else synthetic ones of a seed. */
  readonly write: (
    folder: string,
    data: string | undefined,
    seed: number,
  ) => Promise<readonly { readonly name: string; readonly path: string }[]>
}

export const examples = {
  heart: {
    plan: 'heart/plan.yaml',
    synthetic: 'no patients',
    metrics: ['accuracy', 'precision', 'recall', 'f1', 'auc', 'loss'],
    takesData: true,
    write: heartFilesIn,
  },
  fraud: {
    plan: 'fraud/fraud.yaml',
    synthetic: 'no customers',
    // Of half a percent of frauds accuracy says nothing: whoever never raises an alarm has 0.995.
    metrics: ['prAuc', 'auc', 'precision', 'recall', 'brier', 'loss'],
    takesData: false,
    write: (folder, _data, seed) => writeSyntheticFraud(folder, seed),
  },
} as const satisfies Record<string, Example>
export type ExampleName = keyof typeof examples
export const exampleNames = Object.keys(examples) as ExampleName[]

/** Gives each participant a folder of its own with its own data in it; every other one goes over WebSocket. */
export async function settle(
  example: Example,
  folder: string,
  data: string | undefined,
  seed: number,
): Promise<Participant[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const files = await example.write(folder, data, seed)
  for (const { name } of files) await chmod(join(folder, name), 0o700)
  return files.map(({ name, path }, index) => ({
    name,
    home: join(folder, name),
    data: path,
    carrier: index % 2 === 0 ? 'grpc' : 'ws',
  }))
}
