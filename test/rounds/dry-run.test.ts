/** What would become of a plan, with a coordinator as a program starts it. */
import { afterEach, describe, expect, it } from 'vitest'
import type { DryRun } from '../../core/run/dry-run.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { addingTrainer } from '../support/federation.ts'
import { planText } from '../support/plans.ts'
import { adminToken, Started } from '../support/started.ts'

let started: Started | undefined
afterEach(() => started?.stop())

async function ask(plan: string): Promise<{ readonly status: number; readonly value: DryRun & { error?: object } }> {
  const answer = await fetch(`${started?.running.urls.http}/v1/runs/dry-run`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/yaml' },
    body: plan,
  })
  return { status: answer.status, value: (await answer.json()) as DryRun }
}

describe('a dry run', () => {
  it('says who could take part, whether that is enough, and how much is sent, and keeps nothing', async () => {
    const store = memoryStore()
    started = await Started.create({ store, clients: ['a', 'b', 'c'] })
    const plan = planText({ rounds: 3, count: { min: 2, max: 3 } })
    const { status, value } = await ask(plan)
    expect(status).toBe(200)
    expect(value).toMatchObject({
      model: 'tiny',
      parameters: 4,
      rounds: 3,
      clients: ['a', 'b', 'c'].map((client) => ({ client, connected: false })),
      cohort: { size: 3, atOnce: 3, later: 2, ready: 0 },
      bytes: { up: 16 },
    })
    expect(value.bytes.down).toBeGreaterThan(16)
    expect(value).not.toHaveProperty('privacy')
    started.addClient('a', 'ws', addingTrainer(1))
    started.addClient('b', 'grpc', addingTrainer(1))
    await expect.poll(async () => (await ask(plan)).value.cohort.ready).toBe(2)
    expect(await started.running.api.runs()).toEqual([])
    expect(await store.records.runs()).toEqual([])
    const { plan: digest } = await started.running.api.startRun(plan)
    expect(value.plan).toBe(digest)
    expect(JSON.parse(value.canonical)).toMatchObject({ name: 'tiny', rounds: 3 })
  })

  it('says what the noise costs until the budget ends it', async () => {
    started = await Started.create()
    const privacy = (epsilon: number) =>
      `privacy: { clip: { flat: { norm: 1 } }, noise: { central: { multiplier: 1 } }, budget: { epsilon: ${epsilon}, delta: 1.0e-5 } }`
    const costs = async (epsilon: number) =>
      (await ask(planText({ rounds: 10, extra: privacy(epsilon) }))).value.privacy
    const all = await costs(1_000)
    expect(all).toMatchObject({ rounds: 10, budget: 1_000, delta: 1e-5 })
    const less = await costs((all?.epsilon ?? 0) * 0.7)
    expect(less?.rounds).toBeLessThan(10)
    expect(less?.epsilon).toBeLessThanOrEqual((all?.epsilon ?? 0) * 0.7)
  })

  it('refuses what would be refused', async () => {
    started = await Started.create()
    expect(await ask('parley: 1')).toMatchObject({ status: 400, value: { error: { code: 'plan.invalid' } } })
    const { status } = await ask(planText({ rounds: 0 }))
    expect(status).toBe(400)
  })
})
