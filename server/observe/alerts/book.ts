import { type Alert, type AlertsView, alertTable, type Condition, type Notice } from './alert.ts'

/** How long a condition must be away before its alert is over: what comes and goes is told of once. */
export const HOLD_MS = 60_000
/** Alerts that are over and still shown. */
const RECENT = 100

type Firing = { condition: Condition; readonly since: number; lastSeen: number }

/** Knows which alerts fire, and says what is new: each alert of a subject is told of once when it begins, and once when it is over. */
export class AlertBook {
  readonly #id: () => string
  readonly #firing = new Map<string, Firing>()
  readonly #recent: Alert[] = []

  /** `id` gives a new one for each notice. */
  constructor(id: () => string) {
    this.#id = id
  }

  /** Takes what is so now, and returns what to tell. A severity that rises is told of again. */
  update(conditions: readonly Condition[], now: number): Notice[] {
    const notices: Notice[] = []
    for (const condition of conditions) {
      const key = `${condition.alert}\n${condition.subject.kind}\n${condition.subject.id}`
      const known = this.#firing.get(key)
      const firing = known ?? { condition, since: now, lastSeen: now }
      const rises = known?.condition.severity === 'warning' && condition.severity === 'critical'
      firing.condition = condition
      firing.lastSeen = now
      this.#firing.set(key, firing)
      if (known === undefined || rises) notices.push({ ...shown(firing), id: this.#id(), state: 'firing' })
    }
    for (const [key, firing] of this.#firing) {
      if (now - firing.lastSeen < HOLD_MS) continue
      this.#firing.delete(key)
      const over = { ...shown(firing), resolvedAt: new Date(now).toISOString() }
      this.#recent.unshift(over)
      this.#recent.splice(RECENT)
      notices.push({ ...over, id: this.#id(), state: 'resolved' })
    }
    return notices
  }

  view(): AlertsView {
    return { firing: [...this.#firing.values()].map(shown), recent: [...this.#recent] }
  }
}

function shown({ condition, since }: Firing): Alert {
  return { ...condition, hint: alertTable[condition.alert].hint, since: new Date(since).toISOString() }
}
