import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { isErrorCode } from '../../core/errors/index.ts'
import { sweepMetrics } from './metric.ts'
import type { PointResult } from './point-job.ts'

/** A simulation that came to its end, as a line of `points.jsonl`. */
export type PointRecord = PointResult & {
  /** Digest of the scenario, seeds included, and of the data files that it reads: what the line is found by. */
  readonly scenario: string
  readonly data?: string
  /** For people who read the file. */
  readonly values: Readonly<Record<string, string>>
  readonly seed?: number
}

export type PointKey = Pick<PointRecord, 'scenario' | 'data'>

function keyOf({ scenario, data = '' }: PointKey): string {
  return `${scenario} ${data}`
}

const figure = z.strictObject({ last: z.number(), min: z.number(), max: z.number() })
const recordSchema = z.object({
  scenario: z.string(),
  data: z.string().optional(),
  values: z.record(z.string(), z.string()),
  seed: z.number().optional(),
  seconds: z.number(),
  figures: z.strictObject(Object.fromEntries(sweepMetrics.map((name) => [name, figure.optional()]))),
  weights: z.string().optional(),
  failure: z.object({ code: z.string().refine(isErrorCode), message: z.string() }).optional(),
})

/** The simulations of a sweep that are done. What was appended survives the end of the process, however it comes. */
export class PointJournal {
  readonly #file: FileHandle | undefined
  readonly #records: Map<string, PointRecord>
  #last: Promise<unknown> = Promise.resolve()

  private constructor(records: Map<string, PointRecord>, file?: FileHandle) {
    this.#records = records
    this.#file = file
  }

  /** Opens or makes the file, and cuts off a last line that was not written to its end. Without a path it is kept in memory. */
  static async open(path: string | undefined): Promise<PointJournal> {
    if (path === undefined) return new PointJournal(new Map())
    await mkdir(dirname(path), { recursive: true })
    const file = await open(path, 'a+')
    try {
      const bytes = await file.readFile()
      const whole = bytes.lastIndexOf(0x0a) + 1
      if (whole < bytes.length) await file.truncate(whole)
      const records = bytes.subarray(0, whole).toString('utf8').split('\n').flatMap(recordOf)
      return new PointJournal(new Map(records.map((record) => [keyOf(record), record])), file)
    } catch (failure) {
      await file.close()
      throw failure
    }
  }

  find(key: PointKey): PointRecord | undefined {
    return this.#records.get(keyOf(key))
  }

  /** Resolves when the record is on the disk. */
  async append(record: PointRecord): Promise<void> {
    this.#records.set(keyOf(record), record)
    const file = this.#file
    if (file === undefined) return
    const written = this.#last.then(async () => {
      await file.appendFile(`${JSON.stringify(record)}\n`)
      await file.datasync()
    })
    this.#last = written.catch(() => {})
    await written
  }

  async close(): Promise<void> {
    await this.#last
    await this.#file?.close()
  }
}

/** A line that is no record is passed over: its point is run again. */
function recordOf(line: string): PointRecord[] {
  try {
    const { success, data } = recordSchema.safeParse(JSON.parse(line))
    return success ? [data as PointRecord] : []
  } catch {
    return []
  }
}
