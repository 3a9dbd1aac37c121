import { describe, expect, it } from 'vitest'
import { operations } from '../../server/http/operations.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { ManualClock } from '../consumer/manual-clock.ts'
import { MemoryAudit } from '../support/audit.ts'
import { enrolmentHttpOf } from '../support/enrolment.ts'
import { peopleOf } from '../support/people.ts'
import { registryOf } from '../support/release.ts'
import { rolloutsOf } from '../support/rollout.ts'
import { failure, releaseKey, running } from './http-fixtures.ts'

/** A server with everything that it can have. */
async function whole() {
  const store = memoryStore()
  const registry = registryOf(store, releaseKey)
  const rollouts = rolloutsOf(store, registry, new ManualClock())
  return running({
    store,
    registry,
    rollouts,
    people: peopleOf(store),
    audit: new MemoryAudit(),
    enrolment: await enrolmentHttpOf(store),
    alerts: { view: () => ({ firing: [], recent: [] }) },
  })
}

describe('the document of the API', () => {
  it('has every operation that is served, and no other', async () => {
    const { http } = await whole()
    const served = http.routes.filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS')
    const name = ({ method, path }: { method: string; path: string }) => `${method} ${path}`
    expect(served.map(name).sort()).toEqual(operations.map(name).sort())
  })

  it('is served, names each parameter of its paths, and refers only to what it has', async () => {
    const { get } = await whole()
    const document = (await (await get('/v1/openapi.json')).json()) as {
      openapi: string
      paths: Record<string, Record<string, { operationId: string; parameters: { name: string; in: string }[] }>>
      components: { schemas: object }
    }
    expect(document.openapi).toBe('3.1.0')
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    )
    expect(ids).toHaveLength(operations.length)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [path, methods] of Object.entries(document.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, one]) => one)
      for (const { parameters } of Object.values(methods)) {
        expect(parameters.filter((one) => one.in === 'path').map((one) => one.name)).toEqual(names)
      }
    }
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, one]) => one)
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(references))
  })

  it('says truly who may ask: without a token the others are refused before anything is read', async () => {
    const { url } = await whole()
    for (const { method, path, access } of operations) {
      const filled = path
        .replaceAll(/:(?:number|round)/g, '1')
        .replaceAll(/:\w+/g, 'x')
        .replace('*', 'x')
      // Streams do not end by themselves, and who logs in is not known yet.
      if ((path.endsWith('/events') || path === '/v1/session') && access === 'public') continue
      const { status, code } = await failure(await fetch(url + filled, { method })).catch(() => ({
        status: 200,
        code: '',
      }))
      const refused = status === 401 && code === 'auth.failed'
      expect([method, path, refused]).toEqual([method, path, access !== 'public'])
    }
  })
})
