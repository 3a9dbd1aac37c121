import { expect, test } from 'vitest'
import { ParleyError } from '../../core/errors/index.ts'
import { auditing } from '../../server/audit/auditing.ts'
import { everyone, silentObserver } from '../../server/observe/coordinator-observer.ts'
import { MemoryAudit } from '../support/audit.ts'

const update = { client: 'a', run: 'run_1', round: 2, bytes: 0, digest: 'd'.repeat(64) }
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

test('an update has one record, and its code where it was refused', async () => {
  const audit = new MemoryAudit()
  const observer = everyone(
    silentObserver,
    auditing(
      audit,
      () => 0,
      () => {},
    ),
  )
  observer.updateDecided({ ...update, bytes: 9, code: undefined })
  observer.updateDecided({ ...update, code: 'update.norm-limit' })
  observer.updateDecided({ ...update, code: 'masking.refused' })
  const object = { kind: 'round', id: 'run_1/2' }
  expect(audit.entries).toMatchObject([
    { action: 'update.accept', object, details: { sha256: update.digest, bytes: 9 } },
    { action: 'update.refuse', object, outcome: 'denied', code: 'update.norm-limit' },
    { action: 'masking.refuse', object, outcome: 'denied', code: 'masking.refused' },
  ])
})

test('a client that is refused without end is counted, and takes no place from others', async () => {
  let now = 0
  const audit = new MemoryAudit()
  const observer = auditing(
    audit,
    () => now,
    () => {},
  )
  for (let i = 0; i < 100; i++) observer.updateDecided({ ...update, code: 'update.stale' })
  observer.updateDecided({ ...update, client: 'b', code: 'update.stale' })
  expect(audit.entries).toHaveLength(61)
  now = 60_000
  observer.updateDecided({ ...update, code: 'update.stale' })
  expect(audit.entries.at(-1)?.details).toMatchObject({ leftOut: 40 })
})

test('what cannot be recorded is fatal; a coordinator that stops refuses nobody', async () => {
  const audit = new MemoryAudit()
  const fatal: ParleyError[] = []
  const observer = auditing(
    audit,
    () => 0,
    (error) => fatal.push(error),
  )
  observer.sessionRefused('ws', '127.0.0.1', new ParleyError('server.draining'))
  expect(audit.entries).toEqual([])
  audit.failing = true
  observer.sessionOpened('a', 'ws', '127.0.0.1')
  await settle()
  expect(fatal).toMatchObject([{ code: 'audit.unavailable' }])
})
