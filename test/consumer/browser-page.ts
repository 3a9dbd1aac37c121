/** What the page of browser.test.ts does; it is compiled and sent to the browser as it stands. */
import { cacheStorageCache, type Followed, type OpenOptions, open } from '../../consumer/browser.ts'

declare const location: { readonly origin: string; readonly search: string }
const key = new URLSearchParams(location.search).get('key') ?? ''

function opening(reference: string, options: Partial<OpenOptions> = {}): Promise<Followed> {
  return open(reference, { url: location.origin, key, follow: 'none', ...options })
}

function seen({ current }: Followed): object {
  const weights = [...current.weights()].map(([name, { values }]) => [name, [...new Set(values)]])
  return { number: current.number, why: current.why, root: current.root, weights }
}

const why = (failure: unknown) => String((failure as { code?: string }).code ?? failure)

async function refused(reference: string, options: Partial<OpenOptions> = {}): Promise<string> {
  return opening(reference, options).then(
    ({ current }) => `opened ${current.number}`,
    (failure: unknown) => why(failure),
  )
}

/** Opens by stream, has the alias moved, and waits for the next version. */
async function followed(): Promise<object> {
  const model = await opening('heart', { follow: 'stream' })
  const changes = model.changes[Symbol.asyncIterator]()
  const next = changes.next()
  await fetch('/move', { method: 'POST' })
  const { value } = await next
  const numbers = [value.number, model.current.number]
  await model.close()
  return numbers
}

async function kept(): Promise<object> {
  const cache = cacheStorageCache()
  await opening('heart/1', { cache })
  const files = (await cache.files()).length
  const offline = await opening('heart/1', { cache, fetch: () => Promise.reject(new TypeError('offline')) })
  return { files, offline: seen(offline), documents: await cache.documents() }
}

/** Reports what it counted of its side of a rollout. */
async function reported(): Promise<object> {
  const events: string[] = []
  const report = { key: '07'.repeat(32) }
  const onEvent = ({ type }: { readonly type: string }) => void events.push(type)
  const model = await opening('heart@split', { consumer: 'ward', report, onEvent })
  model.outcomes.answered(model.current, { ms: 3 })
  model.outcomes.answered(model.current, { ms: 3, failed: true })
  await model.close()
  return { rollout: model.current.rollout, events: events.filter((type) => type === 'reported') }
}

const work = {
  opened: async () => seen(await opening('heart/1')),
  flipped: () => refused('heart@flipped'),
  elsewhere: () => refused('heart@elsewhere'),
  stranger: () => refused('heart', { key: '00'.repeat(32) }),
  kept,
  followed,
  reported,
}
const results: Record<string, unknown> = {}
for (const [name, run] of Object.entries(work)) {
  results[name] = await run().catch((failure: unknown) => `failed: ${why(failure)}`)
}
await fetch('/result', { method: 'POST', body: JSON.stringify(results) })
