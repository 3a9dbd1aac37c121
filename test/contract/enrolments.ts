import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EnrolmentChange, EnrolmentRecord } from '../../server/store/enrolment-ports.ts'
import type { Store } from '../../server/store/ports.ts'

const record = (client: string, changed: Partial<EnrolmentRecord> = {}): EnrolmentRecord => ({
  client,
  state: 'invited',
  label: client,
  since: '2026-01-01T00:00:00.000Z',
  actor: 'anna',
  reason: '',
  ...changed,
})

const change = (client: string, changed: Partial<EnrolmentChange> = {}): EnrolmentChange => ({
  client,
  at: '2026-01-01T00:00:00.000Z',
  step: 'invite',
  state: 'invited',
  actor: 'anna',
  reason: '',
  ...changed,
})

/** What every store of enrolments does. */
export function contract(name: string, make: () => Promise<Pick<Store, 'enrolments' | 'close'>>): void {
  describe(`enrolments, ${name}`, () => {
    let store: Pick<Store, 'enrolments' | 'close'>
    beforeEach(async () => {
      store = await make()
    })
    afterEach(() => store.close())

    it('keep the newest record of each client, in the order of their ids', async () => {
      expect(await store.enrolments.enrolments()).toEqual([])
      await store.enrolments.saveEnrolment(record('b'), change('b'))
      await store.enrolments.saveEnrolment(record('a', { publicKey: 'ab'.repeat(32) }), change('a'))
      await store.enrolments.saveEnrolment(
        record('b', { state: 'refused' }),
        change('b', { step: 'refuse', state: 'refused' }),
      )
      const all = [record('a', { publicKey: 'ab'.repeat(32) }), record('b', { state: 'refused' })]
      expect(await store.enrolments.enrolments()).toEqual(all)
      const changes = [change('b', { step: 'refuse', state: 'refused' }), change('b')]
      expect(await store.enrolments.enrolmentChanges('b', 10)).toEqual(changes)
      expect(await store.enrolments.enrolmentChanges('b', 1)).toEqual(changes.slice(0, 1))
      expect(await store.enrolments.enrolmentChanges('c', 10)).toEqual([])
    })

    it('give no key to two clients', async () => {
      const publicKey = 'cd'.repeat(32)
      await store.enrolments.saveEnrolment(record('a', { publicKey }), change('a'))
      await store.enrolments.saveEnrolment(record('a', { publicKey, state: 'active' }), change('a'))
      await expect(store.enrolments.saveEnrolment(record('b', { publicKey }), change('b'))).rejects.toMatchObject({
        code: 'run.conflict',
      })
      expect(await store.enrolments.enrolments()).toHaveLength(1)
      expect(await store.enrolments.enrolmentChanges('b', 10)).toEqual([])
    })
  })
}
