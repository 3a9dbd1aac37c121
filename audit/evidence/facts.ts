import type { AuditRecord } from '../../core/audit/record.ts'

type Details = AuditRecord['details']

/** A record that says what a version, an alias or a run should say too. `seq`: its number in the log. */
export type Fact = { readonly seq: number; readonly details: Details }

/** What a log says of runs, versions and aliases. Only what went well counts: what was asked for and refused changed nothing. */
export class LogFacts {
  readonly #runs: ReadonlySet<string>
  /** By run. */
  readonly starts = new Map<string, Fact[]>()
  /** By `model/number`. */
  readonly publications = new Map<string, Fact[]>()
  /** By `model@alias`. */
  readonly moves = new Map<string, Fact[]>()
  /** By `run/round client`; of the wanted runs. */
  readonly updates = new Map<string, Fact[]>()
  /** By the export’s own name. */
  readonly exports = new Map<string, Fact[]>()

  /** Updates are many: those of `runs` alone are kept. */
  constructor(runs: ReadonlySet<string>) {
    this.#runs = runs
  }

  take({ action, actor, object, outcome, details, seq }: AuditRecord): void {
    if (outcome !== 'ok') return
    const fact = { seq, details }
    switch (action) {
      case 'run.start':
        // Who asked for a run has a record of the same name, of a plan.
        if (object.kind === 'run') add(this.starts, object.id, fact)
        return
      case 'model.publish':
        return add(this.publications, object.id, fact)
      case 'alias.move':
        return add(this.moves, object.id, fact)
      case 'evidence.export':
        return add(this.exports, object.id, fact)
      case 'update.accept':
        if (this.#runs.has(object.id.slice(0, object.id.lastIndexOf('/')))) {
          add(this.updates, `${object.id} ${actor.id}`, fact)
        }
        return
      default:
        return
    }
  }
}

/** Records that the checks of versions and aliases need, and that tell nothing of clients: an export for one client shows them. */
export function isNeeded({ action, object }: AuditRecord): boolean {
  return neededActions.has(action) && object.kind !== 'plan'
}

const neededActions: ReadonlySet<string> = new Set(['run.start', 'model.publish', 'alias.move', 'evidence.export'])

function add(to: Map<string, Fact[]>, key: string, fact: Fact): void {
  const found = to.get(key)
  if (found === undefined) to.set(key, [fact])
  else found.push(fact)
}
