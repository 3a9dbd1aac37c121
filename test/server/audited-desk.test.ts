/** What the desk records of evaluations, and of what ends a session before anybody knows what it is of. */
import { expect, test } from 'vitest'
import type { Envelope } from '../../core/crypto/envelope.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { auditedDesk } from '../../server/rounds/audited-desk.ts'
import type { Answer, RoundDesk } from '../../server/rounds/desk.ts'
import { MemoryAudit } from '../support/audit.ts'

const envelope: Envelope = { payloadType: 'x', payload: new Uint8Array(7), signature: new Uint8Array(64) }
const head = { run: 'run_1', round: 2, kind: 'evaluate' } as const
const digest = (fill: number) => new Uint8Array(32).fill(fill)

function deskThat(evaluation: () => Promise<Answer>) {
  const audit = new MemoryAudit()
  const fails = async () => {
    throw new ParleyError('auth.bad-signature')
  }
  const desk: RoundDesk = {
    connected: () => () => {},
    openUpload: fails,
    evaluation,
    declined: async () => {},
    masking: async () => {},
  }
  return { audit, desk: auditedDesk(desk, audit, () => 0) }
}

test('counts that are taken have one record, also when they are sent again', async () => {
  let fill = 1
  const { audit, desk } = deskThat(async () => ({ ...head, digest: digest(fill), accepted: true }))
  await desk.evaluation('a', envelope)
  await desk.evaluation('a', envelope)
  await desk.evaluation('b', envelope)
  fill = 2
  await desk.evaluation('a', envelope)
  const object = { kind: 'round', id: 'run_1/2' }
  expect(audit.entries).toMatchObject([
    { action: 'evaluation.accept', actor: { id: 'a' }, object, details: { sha256: '01'.repeat(32), bytes: 7 } },
    { action: 'evaluation.accept', actor: { id: 'b' }, object },
    { action: 'evaluation.accept', actor: { id: 'a' }, details: { sha256: '02'.repeat(32) } },
  ])
})

test('counts that are refused have a record with the code, and no more than 60 in a minute', async () => {
  const refused = { ...head, digest: digest(1), accepted: false, code: 'evaluation.invalid', message: 'no' } as const
  const { audit, desk } = deskThat(async () => refused)
  for (let i = 0; i < 70; i++) await desk.evaluation('a', envelope)
  expect(audit.entries).toHaveLength(60)
  const code = 'evaluation.invalid'
  expect(audit.entries[0]).toMatchObject({ action: 'evaluation.refuse', outcome: 'denied', code })
})

test('a forged signature is on record, though it has no answer; the coordinator’s own trouble is not', async () => {
  let failure = new ParleyError('auth.bad-signature')
  const { audit, desk } = deskThat(async () => {
    throw failure
  })
  await expect(desk.evaluation('a', envelope)).rejects.toMatchObject({ code: 'auth.bad-signature' })
  await expect(desk.openUpload('a', envelope)).rejects.toMatchObject({ code: 'auth.bad-signature' })
  failure = new ParleyError('store.full')
  await expect(desk.evaluation('a', envelope)).rejects.toMatchObject({ code: 'store.full' })
  const object = { kind: 'client', id: 'a' }
  expect(audit.entries).toMatchObject([
    { action: 'evaluation.refuse', object, outcome: 'denied', code: 'auth.bad-signature', details: { bytes: 7 } },
    { action: 'update.refuse', object, outcome: 'denied', code: 'auth.bad-signature' },
  ])
})

test('an answer waits for its record, and is none without it', async () => {
  const { audit, desk } = deskThat(async () => ({ ...head, digest: digest(1), accepted: true }))
  audit.failing = true
  await expect(desk.evaluation('a', envelope)).rejects.toMatchObject({ code: 'audit.unavailable' })
})
