import type { Plan } from '../../core/plan/plan.ts'
import type { Run } from './run.ts'

/** A run that the coordinator holds in memory, with its plan. */
export type ActiveRun = { readonly run: Run; readonly plan: Plan }

export type FindRun = (id: string) => ActiveRun | undefined
