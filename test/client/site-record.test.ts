/** What a client records of itself: what it was asked, what left it, and what it was told. */
import { afterEach, describe, expect, test } from 'vitest'
import type { AuditEntry } from '../../core/audit/sink.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { emptyLedger, type Ledger } from '../../core/privacy/index.ts'
import { MemoryAudit } from '../support/audit.ts'
import { addingTrainer, coordinatorKey, Federation } from '../support/federation.ts'
import { planText } from '../support/plans.ts'

let federation: Federation
afterEach(() => federation.stop())

const named = (entries: readonly AuditEntry[]) => entries.map(({ action, object }) => `${action} ${object.id}`)

describe('a client with a log', () => {
  test('has in it what left the site, before it left, and what came of it', async () => {
    const audit = new MemoryAudit()
    const coordinatorAudit = new MemoryAudit()
    federation = new Federation({ audit: { sink: coordinatorAudit, facts: new Set() } })
    await federation.coordinator.start()
    federation.addClient('a', addingTrainer(1), { audit })
    federation.addClient('b', addingTrainer(3))
    const { run } = await federation.coordinator.startRun(planText({ rounds: 1 }))
    await federation.view(run)
    await expect.poll(() => audit.entries.length).toBe(6)
    expect(named(audit.entries)).toEqual([
      `task.take ${run}/1`,
      `update.send ${run}/1`,
      `task.receipt ${run}/1`,
      `task.take ${run}/1`,
      `evaluation.send ${run}/1`,
      `task.receipt ${run}/1`,
    ])
    const receiver = toHex(coordinatorKey.publicKey)
    const [taken, update, , , evaluation] = audit.entries
    expect(taken).toMatchObject({
      actor: { kind: 'client', id: 'a' },
      details: { task: 'train', coordinator: receiver },
    })
    expect(update?.details).toMatchObject({ mode: 'sealed', samples: '10', steps: 1, loss: '0.5', receiver })
    expect(evaluation?.details).toMatchObject({ models: 1, rows: 10, receiver })
    // Both ends name the same update.
    const accepted = federation.decided.find(({ client }) => client === 'a')
    expect(accepted).toMatchObject({ digest: update?.details?.sha256, bytes: update?.details?.bytes })
  })

  test('pays on record, with what was spent in all', async () => {
    const audit = new MemoryAudit()
    let kept: Ledger = emptyLedger
    const ledger = {
      budget: { epsilon: 1_000, delta: 1e-5 },
      read: async () => kept,
      write: async (next: Ledger) => {
        kept = next
      },
    }
    federation = new Federation()
    await federation.coordinator.start()
    federation.addClient('a', addingTrainer(1), { audit, ledger })
    federation.addClient('b', addingTrainer(3))
    const extra = 'privacy: { clip: { flat: { norm: 1 } }, noise: { local: { multiplier: 2 } } }'
    const { run } = await federation.coordinator.startRun(planText({ rounds: 1, extra }))
    await federation.view(run)
    const charge = audit.entries.find(({ action }) => action === 'privacy.charge')
    expect(charge?.details).toMatchObject({ delta: '0.00001', epsilonInAll: expect.stringMatching(/^\d+\.\d{6}$/) })
    expect(audit.actions.indexOf('privacy.charge')).toBeLessThan(audit.actions.indexOf('update.send'))
  })

  test('does nothing that it cannot record, and says why', async () => {
    const audit = new MemoryAudit()
    federation = new Federation()
    await federation.coordinator.start()
    const { events } = federation.addClient('a', addingTrainer(1), { audit })
    federation.addClient('b', addingTrainer(3))
    audit.failing = true
    await federation.coordinator.startRun(planText({ rounds: 1 }))
    await expect
      .poll(() => events.find(({ type }) => type === 'declined'))
      .toMatchObject({
        error: { code: 'audit.unavailable' },
      })
    expect(federation.decided.filter(({ client }) => client === 'a')).toEqual([])
  })

  test('has a refusal of its own, with the code', async () => {
    const audit = new MemoryAudit()
    federation = new Federation()
    await federation.coordinator.start()
    federation.addClient('a', addingTrainer(1), { audit, minCohort: 5 })
    federation.addClient('b', addingTrainer(3))
    await federation.coordinator.startRun(planText({ rounds: 1 }))
    await expect.poll(() => audit.actions).toContain('task.decline')
    expect(audit.entries.at(-1)).toMatchObject({ outcome: 'failed', code: 'node.plan-refused' })
  })
})
