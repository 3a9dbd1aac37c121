import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ParleyError } from '../../core/errors/index.ts'
import type { SimulatedRound, SimulationResult } from '../results.ts'
import type { RuleOptions } from '../rules/own-rules.ts'
import { checkScenario, type Scenario } from '../world/scenario.ts'

const files = {
  scenario: 'scenario.json',
  result: 'result.json',
  rounds: 'rounds.jsonl',
  report: 'report.html',
} as const

/** Writes a file so that under its name there is either what was there before or all of the text. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(`${path}.part`, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.part`, path)
}

/**
 * The folder of one simulation's results. Rounds are written as they close, under a name that says that there may be more to
 * come; all files get their names at the end, so that an older result in the folder stays whole until then.
 */
export class ResultFolder {
  readonly path: string
  readonly #rounds: number
  #open = true

  private constructor(path: string, rounds: number) {
    this.path = path
    this.#rounds = rounds
  }

  static async open(path: string): Promise<ResultFolder> {
    await mkdir(path, { recursive: true })
    return new ResultFolder(path, openSync(join(path, `${files.rounds}.part`), 'w'))
  }

  addRound(round: SimulatedRound): void {
    writeSync(this.#rounds, `${JSON.stringify(round)}\n`)
  }

  async complete(scenario: Scenario, result: SimulationResult, report: string): Promise<void> {
    fsyncSync(this.#rounds)
    this.#close()
    await writeWhole(join(this.path, files.scenario), `${JSON.stringify({ scenario: 1, ...scenario }, null, 2)}\n`)
    await writeWhole(join(this.path, files.report), report)
    await rename(join(this.path, `${files.rounds}.part`), join(this.path, files.rounds))
    await writeWhole(join(this.path, files.result), `${JSON.stringify(result)}\n`)
  }

  /** Leaves nothing of an unfinished simulation, not even an empty folder. May be called after `complete`. */
  async abandon(): Promise<void> {
    if (!this.#open) return
    this.#close()
    await rm(join(this.path, `${files.rounds}.part`), { force: true })
    await rmdir(this.path).catch(() => {})
  }

  #close(): void {
    if (this.#open) closeSync(this.#rounds)
    this.#open = false
  }
}

export type StoredRun = { readonly path: string; readonly scenario: Scenario; readonly result: SimulationResult }

/** Reads a folder of results, or the `result.json` in one. Throws `config.invalid`, naming the file. */
export async function readRun(path: string, options?: RuleOptions): Promise<StoredRun> {
  const inFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
  const resultPath = inFolder ? join(path, files.result) : path
  const scenarioPath = inFolder ? join(path, files.scenario) : join(path, '..', files.scenario)
  const result = await readJson(resultPath)
  if (!isResult(result)) throw new ParleyError('config.invalid', `${resultPath} is no result of \`parley sim run\``)
  return { path, scenario: checkScenario(await readJson(scenarioPath), options), result }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ParleyError('config.invalid', `${path} cannot be read: ${why}`, { cause })
  }
}

function isResult(value: unknown): value is SimulationResult {
  if (typeof value !== 'object' || value === null) return false
  const { scenario, rounds, outcome } = value as Record<string, unknown>
  return typeof scenario === 'string' && Array.isArray(rounds) && typeof outcome === 'object' && outcome !== null
}
