/** What every store of members must do: the sentences of MemberStore in server/store/member-ports.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MemberRecord, MemberStore, RequestRecord, TokenRecord } from '../../server/store/member-ports.ts'

export type MakeMembers = () => Promise<{ readonly members: MemberStore; readonly close: () => Promise<void> }>

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`

const member = (id: string, name: string, changes: Partial<MemberRecord> = {}): MemberRecord => ({
  id,
  name,
  disabled: false,
  createdAt: at(0),
  grants: [{ role: 'viewer', at: at(0), by: 'host' }],
  password: { hash: 'scrypt$…', initialUntil: at(9) },
  recoveryCodes: ['a'],
  ...changes,
})

const token = (id: string, of: string): TokenRecord => ({
  id,
  member: of,
  label: 'nightly',
  hash: 'b'.repeat(64),
  scopes: ['run.read'],
  createdAt: at(0),
  expiresAt: at(9),
})

const request = (id: string): RequestRecord => ({
  id,
  act: 'alias.promote',
  body: '{}',
  digest: 'c'.repeat(64),
  requestedBy: 'mem_1',
  requestedAt: at(0),
  expiresAt: at(9),
  state: 'pending',
})

export function contract(name: string, make: MakeMembers): void {
  describe(`members: ${name}`, () => {
    let members: MemberStore
    let close: () => Promise<void>
    beforeEach(async () => {
      const made = await make()
      members = made.members
      close = made.close
    })
    afterEach(() => close())

    it('finds members by id and by name, and lists them by name', async () => {
      await members.addMember(member('mem_2', 'bo'))
      await members.addMember(member('mem_1', 'cy'))
      await members.addMember(member('mem_3', 'ann'))
      expect((await members.members()).map(({ name: one }) => one)).toEqual(['ann', 'bo', 'cy'])
      expect(await members.member('mem_2')).toEqual(member('mem_2', 'bo'))
      expect(await members.memberNamed('cy')).toEqual(member('mem_1', 'cy'))
      // A name is never taken for an id, nor the other way round.
      expect([await members.member('cy'), await members.memberNamed('mem_1')]).toEqual([undefined, undefined])
    })

    it('takes no name twice, and a first member only while there is none', async () => {
      await members.addMember(member('mem_1', 'ann'), { first: true })
      await expect(members.addMember(member('mem_2', 'ann'))).rejects.toMatchObject({ code: 'member.name-taken' })
      await expect(members.addMember(member('mem_2', 'bo'), { first: true })).rejects.toMatchObject({
        code: 'run.conflict',
      })
      expect(await members.members()).toHaveLength(1)
    })

    it('changes a member at once or not at all; id and name stay', async () => {
      await members.addMember(member('mem_1', 'ann'))
      const changed = await members.changeMember('mem_1', (one) => ({ ...one, disabled: true, id: 'x', name: 'y' }))
      expect(changed).toEqual(member('mem_1', 'ann', { disabled: true }))
      expect(await members.member('mem_1')).toEqual(changed)
      const failure = new Error('no')
      const failing = members.changeMember('mem_1', () => {
        throw failure
      })
      await expect(failing).rejects.toBe(failure)
      expect(await members.member('mem_1')).toEqual(changed)
      await expect(members.changeMember('mem_9', (one) => one)).rejects.toMatchObject({ code: 'object.not-found' })
    })

    it('keeps what is optional out where it is not there', async () => {
      await members.addMember(member('mem_1', 'ann'))
      const secondFactor = { sealed: 'ab', step: 7 }
      await members.changeMember('mem_1', (one) => ({ ...one, secondFactor }))
      expect((await members.member('mem_1'))?.secondFactor).toEqual(secondFactor)
      await members.changeMember('mem_1', ({ secondFactor: _, ...rest }) => rest)
      expect(await members.member('mem_1')).toEqual(member('mem_1', 'ann'))
    })

    it('keeps sessions by hash, ends them one by one or all of a member, and prunes old ones', async () => {
      await members.addMember(member('mem_1', 'ann'))
      await members.addMember(member('mem_2', 'bo'))
      const session = (hash: string, of: string, minute: number) => ({
        hash,
        member: of,
        createdAt: at(minute),
        lastSeenAt: at(minute + 1),
      })
      for (const [hash, of, minute] of [
        ['a', 'mem_1', 1],
        ['b', 'mem_1', 2],
        ['c', 'mem_2', 3],
        ['d', 'mem_2', 4],
      ] as const) {
        await members.saveSession(session(hash, of, minute))
      }
      await members.touchSession('a', at(9))
      expect(await members.session('a')).toEqual({ ...session('a', 'mem_1', 1), lastSeenAt: at(9) })
      await members.touchSession('nobody', at(9))
      await members.removeSession('b')
      await members.removeSession('b')
      const left = async () => {
        const found = await Promise.all(['a', 'b', 'c', 'd'].map((hash) => members.session(hash)))
        return found.flatMap((one) => (one === undefined ? [] : [one.hash]))
      }
      expect(await left()).toEqual(['a', 'c', 'd'])
      // Seen lately, and too old all the same; not too old, and seen too long ago.
      await members.pruneSessions({ lastSeenAt: at(5), createdAt: at(2) })
      expect(await left()).toEqual(['d'])
      await members.removeSessions('mem_2')
      expect(await left()).toEqual([])
    })

    it('keeps tokens by id, lists those of a member in their order, and changes them', async () => {
      await members.addMember(member('mem_1', 'ann'))
      await members.addMember(member('mem_2', 'bo'))
      await members.addToken(token('z', 'mem_1'))
      await members.addToken(token('a', 'mem_1'))
      await members.addToken(token('m', 'mem_2'))
      expect((await members.tokens('mem_1')).map(({ id }) => id)).toEqual(['z', 'a'])
      const revoked = await members.changeToken('a', (one) => ({ ...one, revokedAt: at(3), member: 'mem_2' }))
      expect(revoked).toEqual({ ...token('a', 'mem_1'), revokedAt: at(3) })
      expect(await members.token('a')).toEqual(revoked)
      expect(await members.token('nobody')).toBeUndefined()
      await expect(members.changeToken('q', (one) => one)).rejects.toMatchObject({ code: 'object.not-found' })
    })

    it('keeps requests, lists the newest first, and lets one change win', async () => {
      for (const id of ['req_1', 'req_2', 'req_3']) await members.addRequest(request(id))
      expect((await members.requests(2)).map(({ id }) => id)).toEqual(['req_3', 'req_2'])
      const confirm = () =>
        members.changeRequest('req_1', (one) => {
          if (one.state !== 'pending') throw new Error('too late')
          return { ...one, state: 'confirmed', decidedBy: 'mem_2' }
        })
      const outcomes = await Promise.allSettled([confirm(), confirm()])
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(await members.request('req_1')).toEqual({ ...request('req_1'), state: 'confirmed', decidedBy: 'mem_2' })
      await expect(members.changeRequest('req_9', (one) => one)).rejects.toMatchObject({ code: 'object.not-found' })
    })

    it('gives out copies', async () => {
      await members.addMember(member('mem_1', 'ann'))
      Object.assign((await members.member('mem_1'))!, { disabled: true })
      expect(await members.member('mem_1')).toEqual(member('mem_1', 'ann'))
    })
  })
}
