/** Coordinators that pages are looked at on. */
import type { RunView } from '../../core/run/view.ts'
import { systemClock } from '../../core/system-clock.ts'
import type { HttpOptions } from '../../server/http/options.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { publish, releaseKey, running } from '../server/http-fixtures.ts'
import { addMember, peopleOf } from '../support/people.ts'
import { registryOf } from '../support/release.ts'

/** A coordinator with two versions of `heart` and people. */
export async function setUp(more: Partial<HttpOptions> = {}, store = memoryStore()) {
  await publish(store, 1)
  await publish(store, 2)
  const people = peopleOf(store, { clock: systemClock })
  const options = { store, people, registry: registryOf(store, releaseKey), ...more }
  const server = await running(options)
  const add = (roles: readonly string[]) => addMember(store, systemClock, roles)
  return { store, people, options, server, add }
}

/** Views of a run that go out as they are pushed. */
export function pushed() {
  let views: RunView[] = []
  let changed = () => {}
  async function* stream(): AsyncGenerator<RunView> {
    let sent = 0
    for (;;) {
      while (sent < views.length) {
        const view = views[sent++]!
        yield view
        if (view.phase === 'over') return
      }
      await new Promise<void>((resolve) => {
        changed = resolve
      })
    }
  }
  const push = (view: RunView) => {
    views = [...views, view]
    changed()
  }
  return { stream, push }
}
