import { afterEach, expect } from 'vitest'
import type { ConsumerEvent } from '../../consumer/events.ts'
import { type Followed, type OpenOptions, open } from '../../consumer/index.ts'
import { FakeRegistry } from './fake-registry.ts'
import { ManualClock } from './manual-clock.ts'
import { makeVersion, pin, type Version } from './versions.ts'

const [one, two, three] = await Promise.all([1, 2, 3].map((number) => makeVersion(number)))
export const versions = [one!, two!, three!] as const

/** What happened, and the next thing that will. */
export class Happened {
  readonly all: ConsumerEvent[] = []
  readonly #watchers = new Set<() => void>()

  readonly add = (event: ConsumerEvent): void => {
    this.all.push(event)
    for (const watcher of [...this.#watchers]) watcher()
  }

  of<Type extends ConsumerEvent['type']>(type: Type) {
    return this.all.filter((event): event is Extract<ConsumerEvent, { type: Type }> => event.type === type)
  }

  /** Resolves when there is such an event, among those that were and those that come. */
  async has(type: ConsumerEvent['type'], wanted: object = {}, times = 1): Promise<void> {
    const found = () => this.of(type).filter((event) => matches(event, wanted)).length >= times
    if (found()) return
    await new Promise<void>((resolve) => {
      const watcher = () => {
        if (!found()) return
        this.#watchers.delete(watcher)
        resolve()
      }
      this.#watchers.add(watcher)
    })
  }
}

function matches(event: object, wanted: object): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const found: unknown = Reflect.get(event, key)
    return value instanceof RegExp ? value.test(String(found)) : found === value
  })
}

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

export type Scene = {
  readonly clock: ManualClock
  readonly registry: FakeRegistry
  readonly happened: Happened
  /** Opens with the scene's registry, clock and events. */
  readonly opening: (reference?: string, options?: Partial<OpenOptions>) => Promise<Followed>
}

/** A registry of three versions with `production` at the first. */
export async function scene(more: readonly Version[] = []): Promise<Scene> {
  const clock = new ManualClock()
  const registry = new FakeRegistry(() => clock.now(), [...versions, ...more])
  const happened = new Happened()
  const url = await registry.start()
  ending.push(() => registry.stop())
  await registry.move('production', 1)
  return {
    clock,
    registry,
    happened,
    async opening(reference = 'heart@production', options = {}) {
      const followed = await open(reference, {
        url,
        key: pin,
        clock,
        random: () => 0,
        onEvent: happened.add,
        ...options,
      })
      ending.push(() => followed.close())
      return followed
    },
  }
}

/** Ends something after the test. */
export function finally_(end: () => Promise<unknown>): void {
  ending.push(end)
}

/** Every file and every weight is of one version. */
export function expectUnmixed(version: Followed['current']): void {
  const { number } = version
  expect(new TextDecoder().decode(version.bytes('model/config.json'))).toBe(`{"number":${number}}`)
  expect(new TextDecoder().decode(version.bytes('model/README.md'))).toBe(`# Version ${number}\n`)
  expect(new TextDecoder().decode(version.bytes('model/plots/roc.svg'))).toBe(`<svg id="v${number}"/>`)
  for (const { values } of version.weights().values()) expect(new Set(values)).toEqual(new Set([number]))
  expect(version.manifest.number).toBe(number)
  expect(version.manifest.root).toBe(version.root)
}
