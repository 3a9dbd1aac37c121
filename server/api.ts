import type { Actor } from '../core/audit/actor.ts'
import type { DryRun } from '../core/run/dry-run.ts'
import type { Recomputation } from '../core/run/recomputation.ts'
import type { RunView } from '../core/run/view.ts'
import type { RecomputeRequest } from './rounds/recompute.ts'
import type { SeenClient } from './sessions/sessions.ts'

/** What operators can do with a coordinator: the HTTP API, the command line and embedding programs all call this. `by`: who asks. */
export interface CoordinatorApi {
  /** Checks the plan and starts a run of it. Fails with `plan.unreadable` or `plan.invalid`. Resolves once journalled. */
  startRun(planText: string, by?: Actor): Promise<RunView>
  /** What would become of the plan if it were started now; keeps nothing. Fails as `startRun` does. */
  dryRun(planText: string): Promise<DryRun>
  /** Newest first. */
  runs(): Promise<readonly RunView[]>
  /** Fails with `run.not-found`. */
  run(id: string): Promise<RunView>
  /** The present view, then a new one after changes; ends after the view in which the run is over, or with `signal`. */
  watch(id: string, signal: AbortSignal): AsyncIterable<RunView>
  /** All runs now, then again after changes of any; ends with `signal`. Who asks slowly misses what was in between, not what is so. */
  watchAll(signal: AbortSignal): AsyncIterable<readonly RunView[]>
  /** Ends the run; an open round is given up. A run that is over stays as it is. Fails with `run.not-found`. */
  stopRun(id: string, reason: string, by?: Actor): Promise<RunView>
  /**
   * From now on no round is opened; an open one comes to its end, and a run whose last round that was is decided as its plan says.
   * Holds over restarts. A run that is paused stays as it is. Fails with `run.not-found`, or `run.conflict` where it is over.
   */
  pauseRun(id: string, reason: string, by?: Actor): Promise<RunView>
  /** Ends a pause. Fails with `run.not-found`, or `run.conflict` where it is not paused. `reason` is for the record. */
  resumeRun(id: string, reason: string, by?: Actor): Promise<RunView>
  /**
   * Computes a round that is over again, without some clients or by another rule, and compares; keeps nothing of it.
   * Fails with `run.not-found`, `request.invalid`, `object.not-found` or `plan.infeasible`.
   */
  recompute(id: string, round: number, request: RecomputeRequest, by?: Actor): Promise<Recomputation>
  /** The clients that have connected since the start. */
  seenClients(): readonly SeenClient[]
  /** False while the journal is replayed and while draining. */
  ready(): boolean
}
