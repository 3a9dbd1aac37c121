import { availableParallelism } from 'node:os'
import { ParleyError } from '../../core/errors/index.ts'
import { scenarioDigest } from '../simulate.ts'
import type { Scenario } from '../world/scenario.ts'
import { labelsOf, type Point } from './axes.ts'
import { type Case, type Cell, expanded, type Group, groupScore, type SweepCell, sweepCell } from './cells.ts'
import { DataDigests } from './data-digests.ts'
import type { Sweep } from './definition.ts'
import { FolderLock } from './folder-lock.ts'
import { PointJournal, type PointKey, type PointRecord } from './journal.ts'
import { scenarioAt } from './place.ts'
import { type PointRunner, pointRunner } from './point-pool.ts'
import { type Search, searchOf } from './search/search.ts'
import { type SweepResult, sweepResult } from './table.ts'

export type SweepOptions = {
  /** Folder from which paths of data files are counted; by default the working directory. */
  readonly folder?: string
  /**
   * Simulations side by side, each on a thread of its own; 0 runs them here. By default one for each processor. With rules that are
   * passed in they run here, one after the other.
   */
  readonly workers?: number
  /** File of the simulations that are done: what it holds is not run again. Without it nothing is kept. Not with rules passed in. */
  readonly journal?: string
  readonly onEvent?: (event: SweepEvent) => void
  readonly signal?: AbortSignal
  /** Module that worker threads run, in the place of Parley's own. */
  readonly worker?: URL
}

/** What a sweep tells while it goes on; `of` counts simulations, and may turn out too high where a search ends early. */
export type SweepEvent =
  | { readonly type: 'ready'; readonly of: number }
  /** `fresh`: it was run now; else it was known, or could not be run. */
  | {
      readonly type: 'cell'
      readonly cell: SweepCell
      readonly fresh: boolean
      readonly done: number
      readonly of: number
    }
  /** Parts of simulations that are under way, in simulations. */
  | { readonly type: 'progress'; readonly underWay: number; readonly done: number; readonly of: number }

/**
 * Runs the points of a sweep. The result does not depend on the number of workers, nor on how often it was interrupted. A point
 * that cannot be, or whose run fails, is a cell with the reason. Fails with the first reason where no point has a score, with
 * `plan.infeasible` for a journal of a sweep with rules that are passed in, with
 * `store.locked` while another process keeps the same journal, with `interrupted` by `signal`.
 */
export async function sweep(definition: Sweep, options: SweepOptions = {}): Promise<SweepResult> {
  const { signal } = options
  const own = definition.rules !== undefined
  if (own && options.journal !== undefined) {
    throw new ParleyError(
      'plan.infeasible',
      'a journal knows a simulation by its scenario, which does not tell what rules that are passed in do: sweep without one',
    )
  }
  // A function cannot be sent to another thread.
  const runner = pointRunner(own ? 0 : (options.workers ?? availableParallelism()), options.worker)
  const close = () => void runner.close()
  const lock = options.journal === undefined ? undefined : await FolderLock.take(`${options.journal}.lock`)
  const journal = await PointJournal.open(options.journal).catch(async (failure: unknown) => {
    await lock?.release()
    throw failure
  })
  try {
    signal?.addEventListener('abort', close, { once: true })
    if (signal?.aborted === true) close()
    return await new Sweeping(definition, options, runner, journal).run()
  } finally {
    signal?.removeEventListener('abort', close)
    await runner.close()
    await journal.close()
    await lock?.release()
  }
}

type Head = Pick<Cell, 'values' | 'seed'>

class Sweeping {
  readonly #sweep: Sweep
  readonly #folder: string
  readonly #runner: PointRunner
  readonly #journal: PointJournal
  readonly #digests: DataDigests
  readonly #onEvent: (event: SweepEvent) => void
  readonly #signal: AbortSignal | undefined
  readonly #search: Search
  /** Scenarios that two points have in common are run once. */
  readonly #running = new Map<string, Promise<PointRecord | ParleyError>>()
  readonly #parts = new Map<string, number>()
  #done = 0
  /** Why the sweep cannot go on, such as a full disk. */
  #stopped: unknown

  constructor(
    definition: Sweep,
    { folder, onEvent, signal }: SweepOptions,
    runner: PointRunner,
    journal: PointJournal,
  ) {
    this.#sweep = definition
    this.#folder = folder ?? process.cwd()
    this.#digests = new DataDigests(this.#folder)
    this.#runner = runner
    this.#journal = journal
    this.#onEvent = onEvent ?? (() => {})
    this.#signal = signal
    const searched = definition.axes.filter(({ name }) => name !== definition.worstOver)
    this.#search = searchOf(searched, definition.search, definition.goal)
  }

  async run(): Promise<SweepResult> {
    try {
      return await this.#all()
    } catch (failure) {
      // What stopped the sweep, not what that interrupted.
      throw this.#stopped ?? failure
    }
  }

  async #all(): Promise<SweepResult> {
    this.#onEvent({ type: 'ready', of: this.#of })
    const groups: Group[] = []
    for (;;) {
      const scored = groups.map((group) => ({ point: group.point, score: groupScore(this.#sweep, group).score }))
      const points = this.#search.next(scored)
      if (points.length === 0) break
      groups.push(...(await allOf(points.map((point) => this.#group(point)))))
    }
    return sweepResult(this.#sweep, groups)
  }

  /** Simulations in all, as far as can be told. */
  get #of(): number {
    const { axes, worstOver, seeds } = this.#sweep
    const worst = axes.find(({ name }) => name === worstOver)
    const cases = worst?.kind === 'choices' ? worst.choices.length : 1
    return this.#search.points * cases * (seeds?.length ?? 1)
  }

  async #group(point: Point): Promise<Group> {
    const cases = expanded(this.#sweep, point).map((whole) => this.#case(whole))
    return { point, cases: await allOf(cases) }
  }

  async #case(point: Point): Promise<Case> {
    const seeds = this.#sweep.seeds ?? [undefined]
    return { point, cells: await allOf(seeds.map((seed) => this.#cell(point, seed))) }
  }

  async #cell(point: Point, seed: number | undefined): Promise<Cell> {
    const head = { values: labelsOf(this.#sweep.axes, point), ...(seed === undefined ? {} : { seed }) }
    const { fresh, ...outcome } = await this.#outcome(point, head).catch((failure: unknown) => {
      this.#stopped ??= failure
      void this.#runner.close()
      throw failure
    })
    const cell = { ...outcome, ...head }
    this.#done++
    this.#onEvent({ type: 'cell', cell: sweepCell(this.#sweep, cell), fresh, done: this.#done, of: this.#of })
    return cell
  }

  async #outcome(point: Point, head: Head): Promise<Omit<Cell, keyof Head> & { readonly fresh: boolean }> {
    const scenario = this.#scenario(point, head.seed)
    if (scenario instanceof ParleyError) return { failure: failed(scenario), fresh: false }
    const digest = scenarioDigest(scenario)
    const data = await this.#digests.of(scenario)
    const key = { scenario: digest, ...(data === undefined ? {} : { data }) }
    const known = this.#journal.find(key)
    if (known !== undefined) return { ...known, fresh: false }
    const running = this.#running.get(digest) ?? this.#run(scenario, key, head)
    this.#running.set(digest, running)
    const result = await running
    return result instanceof ParleyError ? { failure: failed(result), fresh: true } : { ...result, fresh: true }
  }

  /** What does not go together is a cell, and no failure of the sweep. */
  #scenario(point: Point, seed: number | undefined): Scenario | ParleyError {
    try {
      return scenarioAt(this.#sweep, point, seed)
    } catch (thrown) {
      if (thrown instanceof ParleyError && thrown.code.startsWith('plan.')) return thrown
      throw thrown
    }
  }

  /** Only what came to its end is kept: what failed before may have had its cause on this machine, and is tried again. */
  async #run(scenario: Scenario, key: PointKey, head: Head): Promise<PointRecord | ParleyError> {
    const onRound = (round: number, of: number) => {
      this.#parts.set(key.scenario, round / of)
      this.#tellProgress()
    }
    const { rules } = this.#sweep
    const job = { scenario, folder: this.#folder, ...(rules === undefined ? {} : { rules }) }
    const result = await this.#runner.run(job, onRound).catch((thrown: unknown) => ParleyError.from(thrown))
    this.#parts.delete(key.scenario)
    if (result instanceof ParleyError) {
      if (this.#stopped !== undefined || this.#signal?.aborted === true) throw result
      return result
    }
    const record = { ...key, ...head, ...result }
    await this.#journal.append(record)
    return record
  }

  #tellProgress(): void {
    const underWay = [...this.#parts.values()].reduce((sum, part) => sum + part, 0)
    this.#onEvent({ type: 'progress', underWay, done: this.#done, of: this.#of })
  }
}

function failed({ code, message }: ParleyError): NonNullable<Cell['failure']> {
  return { code, message }
}

/** All of them, in their order; the first failure once none is under way any more, so that nothing goes on behind it. */
async function allOf<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(works)
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}
