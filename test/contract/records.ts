/** What every store of records must do: the sentences of Records in server/store/ports.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Records, RunRecord } from '../../server/store/ports.ts'

const move = (reason: string, at = '2026-01-03T00:00:00.000Z') => ({
  reason,
  at,
  actor: 'operator',
  envelope: `{"reason":"${reason}"}`,
})

export type MakeRecords = () => Promise<{ readonly records: Records; readonly close: () => Promise<void> }>

const run = (id: string, second: number): RunRecord => ({
  id,
  model: 'heart',
  plan: 'a'.repeat(64),
  createdAt: `2026-01-01T00:00:0${second}.000Z`,
  status: 'active',
})

const prepared = (second: number) => ({
  weights: 'b'.repeat(64),
  envelope: `{"second":${second}}`,
  publishedAt: `2026-01-02T00:00:0${second}.000Z`,
})

export function contract(name: string, make: MakeRecords): void {
  describe(`records: ${name}`, () => {
    let records: Records
    let close: () => Promise<void>
    beforeEach(async () => {
      const made = await make()
      records = made.records
      close = made.close
    })
    afterEach(() => close())

    it('saves runs, replaces them, and lists the newest first', async () => {
      await records.saveRun(run('a', 1))
      await records.saveRun(run('b', 3))
      await records.saveRun(run('c', 2))
      await records.saveRun(run('d', 3))
      await records.saveRun({ ...run('a', 1), status: 'finished' })
      expect((await records.runs()).map(({ id }) => id)).toEqual(['d', 'b', 'c', 'a'])
      expect(await records.run('a')).toEqual({ ...run('a', 1), status: 'finished' })
      expect(await records.run('nobody')).toBeUndefined()
    })

    it('keeps when a client was first seen', async () => {
      const client = { id: 'north', publicKey: 'c'.repeat(64), firstSeenAt: '2026-01-01', lastSeenAt: '2026-01-01' }
      await records.saveClient(client)
      await records.saveClient({ ...client, id: 'east' })
      await records.saveClient({ ...client, firstSeenAt: '2026-02-02', lastSeenAt: '2026-02-02' })
      expect(await records.clients()).toEqual([
        { ...client, id: 'east' },
        { ...client, lastSeenAt: '2026-02-02' },
      ])
    })

    it('numbers the versions of each model from 1', async () => {
      const numbers: number[] = []
      for (const [model, round] of [
        ['heart', 1],
        ['heart', 2],
        ['lung', 1],
        ['heart', 3],
      ] as const) {
        const version = await records.publish({ model, run: 'r', round }, (number) => {
          numbers.push(number)
          return prepared(round)
        })
        expect(version.number).toBe(numbers.at(-1))
      }
      expect(numbers).toEqual([1, 2, 1, 3])
      expect(await records.models()).toEqual(['heart', 'lung'])
      expect((await records.versions('heart')).map(({ number }) => number)).toEqual([1, 2, 3])
      expect(await records.version('heart', 2)).toEqual({
        model: 'heart',
        number: 2,
        run: 'r',
        round: 2,
        ...prepared(2),
      })
      expect(await records.version('heart', 4)).toBeUndefined()
      expect(await records.versions('liver')).toEqual([])
    })

    it('publishes a candidate once: the second time nothing is prepared and no alias moves', async () => {
      const candidate = { model: 'heart', run: 'r', round: 1 }
      const alias = { name: 'production', prepare: () => move('gates passed') }
      const first = await records.publish(candidate, () => prepared(1), alias)
      const again = await records.publish(
        candidate,
        () => {
          throw new Error('prepared twice')
        },
        { name: 'canary', prepare: () => move('by mistake') },
      )
      expect(again).toEqual(first)
      expect(await records.aliasHistory('heart')).toHaveLength(1)
    })

    it('stores nothing when the preparation fails, and gives the number to the next', async () => {
      const failure = new Error('no key')
      const alias = { name: 'production', prepare: () => move('x') }
      const failing = records.publish(
        { model: 'heart', run: 'r', round: 1 },
        () => {
          throw failure
        },
        alias,
      )
      await expect(failing).rejects.toBe(failure)
      expect(await records.models()).toEqual([])
      expect(await records.aliasHistory('heart')).toEqual([])
      expect((await records.publish({ model: 'heart', run: 'r', round: 2 }, () => prepared(2))).number).toBe(1)
    })

    it('moves aliases with the version and keeps their history', async () => {
      const publish = (round: number, alias: string) =>
        records.publish({ model: 'heart', run: 'r', round }, () => prepared(round), {
          name: alias,
          prepare: () => move(`r${round}`),
        })
      await publish(1, 'production')
      await publish(2, 'canary')
      await publish(3, 'production')
      const moved = (alias: string, sequence: number, version: number) => ({
        model: 'heart',
        alias,
        sequence,
        version,
        ...move(`r${version}`),
      })
      expect(await records.alias('heart', 'production')).toEqual(moved('production', 2, 3))
      expect(await records.alias('heart', 'nobody')).toBeUndefined()
      expect(await records.alias('lung', 'production')).toBeUndefined()
      expect(await records.aliasHistory('heart')).toEqual([
        moved('production', 1, 1),
        moved('canary', 1, 2),
        moved('production', 2, 3),
      ])
    })

    const published = (round: number) =>
      records.publish({ model: 'heart', run: 'r', round }, () => prepared(round), undefined)

    it('moves an alias to any version that is there, and tells who prepares where it was', async () => {
      for (const round of [1, 2]) await published(round)
      const target = { model: 'heart', alias: 'production' }
      const seen: unknown[] = []
      for (const version of [1, 2, 1]) {
        const done = await records.moveAlias({ ...target, version }, (record, last) => {
          seen.push([record.number, last?.sequence, last?.version])
          return move(`to ${version}`)
        })
        expect(done).toEqual({ ...target, version, sequence: seen.length, ...move(`to ${version}`) })
      }
      expect(seen).toEqual([
        [1, undefined, undefined],
        [2, 1, 1],
        [1, 2, 2],
      ])
      const failing = records.moveAlias({ ...target, version: 3 }, () => move('nowhere'))
      await expect(failing).rejects.toMatchObject({ code: 'object.not-found' })
      const failure = new Error('somebody else was faster')
      const refusing = records.moveAlias({ ...target, version: 2 }, () => {
        throw failure
      })
      await expect(refusing).rejects.toBe(failure)
      expect(await records.aliasHistory('heart')).toHaveLength(3)
    })

    it('keeps what was said of versions; no alias moves to one that is withdrawn', async () => {
      for (const round of [1, 2]) await published(round)
      const said = (number: number, state: 'withdrawn' | 'deprecated' | 'in-use') => ({
        model: 'heart',
        number,
        state,
        reason: 'because',
        actor: 'operator',
        at: '2026-01-03T00:00:00.000Z',
      })
      await records.setVersionState(said(1, 'deprecated'))
      await records.setVersionState(said(2, 'withdrawn'))
      expect(await records.versionStates('heart')).toEqual([said(1, 'deprecated'), said(2, 'withdrawn')])
      expect(await records.versionStates('lung')).toEqual([])
      await expect(records.setVersionState(said(3, 'withdrawn'))).rejects.toMatchObject({ code: 'object.not-found' })
      const to = (version: number) => records.moveAlias({ model: 'heart', alias: 'a', version }, () => move('x'))
      await expect(to(2)).rejects.toMatchObject({ code: 'version.withdrawn' })
      await to(1)
      await records.setVersionState(said(2, 'in-use'))
      await to(2)
      expect((await records.alias('heart', 'a'))?.version).toBe(2)
    })

    it('keeps tags of versions, what each said before, and who changed it', async () => {
      for (const round of [1, 2]) await published(round)
      const asked = (number: number, key: string, value: string | null, actor = 'ada') => ({
        ...{ model: 'heart', number, key, value, actor },
        at: '2026-01-03T00:00:00.000Z',
      })
      const one = asked(1, 'site', 'north')
      expect(await records.setTag(one)).toEqual({ ...one, previous: null })
      expect(await records.setTag(one)).toBeUndefined()
      await records.setTag(asked(2, 'site', 'north'))
      await records.setTag(asked(1, 'Ärzte', ''))
      await records.setTag(asked(1, '__proto__', 'x'))
      const changed = await records.setTag(asked(1, 'site', 'south', 'bo'))
      expect(changed).toMatchObject({ previous: 'north', value: 'south', actor: 'bo' })
      expect((await records.tags({ model: 'heart', number: 1 }, 9)).map(({ key, value }) => [key, value])).toEqual([
        ['__proto__', 'x'],
        ['site', 'south'],
        ['Ärzte', ''],
      ])
      const found = await records.tags({ key: 'site', value: 'north' }, 9)
      expect(found).toEqual([{ model: 'heart', number: 2, key: 'site', value: 'north' }])
      expect(await records.tags({}, 2)).toHaveLength(2)
      expect(await records.tags({ model: 'lung' }, 9)).toEqual([])
      expect(await records.setTag(asked(1, 'site', null))).toMatchObject({ previous: 'south', value: null })
      expect(await records.tags({ key: 'site' }, 9)).toHaveLength(1)
      const history = await records.tagChanges('heart', 1)
      expect(history.map(({ key, previous, value }) => [key, previous, value])).toEqual([
        ['site', null, 'north'],
        ['Ärzte', null, ''],
        ['__proto__', null, 'x'],
        ['site', 'north', 'south'],
        ['site', 'south', null],
      ])
      for (const absent of [asked(1, 'site', null), asked(3, 'site', 'x')]) {
        await expect(records.setTag(absent)).rejects.toMatchObject({ code: 'object.not-found' })
      }
      expect(await records.tagChanges('heart', 1)).toHaveLength(5)
    })

    it('gives a version 64 tags, and no more', async () => {
      await published(1)
      const tag = (key: string, value: string | null = 'x') =>
        records.setTag({ model: 'heart', number: 1, key, value, actor: 'ada', at: '2026' })
      for (let i = 0; i < 64; i++) await tag(`k${i}`)
      await expect(tag('k64')).rejects.toMatchObject({ code: 'version.tags-full' })
      await tag('k0', 'y')
      await tag('k1', null)
      await tag('k64')
      expect(await records.tags({ model: 'heart' }, 100)).toHaveLength(64)
    })

    it('keeps candidates once, passed or not, and approvals by member', async () => {
      const candidate = (round: number, passed: boolean) => ({
        model: 'heart',
        run: 'r',
        round,
        weights: 'b'.repeat(64),
        passed,
        gates: '[]',
        at: '2026-01-03T00:00:00.000Z',
      })
      await records.saveCandidate(candidate(2, false))
      await records.saveCandidate(candidate(1, true))
      await records.saveCandidate({ ...candidate(2, true), gates: '[1]' })
      expect(await records.candidates('heart')).toEqual([candidate(2, false), candidate(1, true)])
      expect(await records.candidates('lung')).toEqual([])
      await published(1)
      const word = (member: string, envelope: string) => ({ model: 'heart', number: 1, member, envelope, at: '2026' })
      await records.saveApproval(word('b', '1'))
      await records.saveApproval(word('a', '1'))
      await records.saveApproval(word('b', '2'))
      expect(await records.approvals('heart', 1)).toEqual([word('a', '1'), word('b', '2')])
      expect(await records.approvals('heart', 2)).toEqual([])
      await expect(records.saveApproval({ ...word('a', '1'), number: 2 })).rejects.toMatchObject({
        code: 'object.not-found',
      })
    })

    it('moves an alias with a publication to another version, which must be there', async () => {
      await published(1)
      await published(2)
      const candidate = (round: number) => ({ model: 'heart', run: 'r', round })
      const stays = (version: number) => ({ name: 'production', prepare: () => ({ ...move('stays'), version }) })
      const failing = records.publish(candidate(3), () => prepared(3), stays(9))
      await expect(failing).rejects.toMatchObject({ code: 'object.not-found' })
      expect(await records.versions('heart')).toHaveLength(2)
      expect((await records.publish(candidate(3), () => prepared(3), stays(1))).number).toBe(3)
      const { alias, version, sequence } = (await records.alias('heart', 'production'))!
      expect({ alias, version, sequence }).toEqual({ alias: 'production', version: 1, sequence: 1 })
    })

    it('keeps the reports of each consumer and rollout, one after the other', async () => {
      const report = (consumer: string, sequence: number, changes: object = {}) => ({
        model: 'heart',
        rollout: 'roll_1',
        consumer,
        sequence,
        sha256: `${sequence}`.padStart(64, 'a'),
        envelope: `{"of":"${consumer}"}`,
        at: '2026-01-03T00:00:00.000Z',
        ...changes,
      })
      await records.saveOutcomes(report('b', 1))
      await records.saveOutcomes(report('a', 1))
      await records.saveOutcomes(report('b', 2))
      await records.saveOutcomes(report('b', 1, { rollout: 'roll_2' }))
      await records.saveOutcomes(report('b', 1, { model: 'lung' }))
      // The last one again counts once, whatever else has changed about it.
      await records.saveOutcomes(report('b', 2, { at: '2027' }))
      for (const [wrong, code] of [
        [report('b', 1), 'outcomes.replayed'],
        [report('b', 2, { sha256: 'c'.repeat(64) }), 'outcomes.replayed'],
        [report('b', 4), 'outcomes.gap'],
        [report('c', 2), 'outcomes.gap'],
      ] as const) {
        await expect(records.saveOutcomes(wrong)).rejects.toMatchObject({ code })
      }
      expect(await records.outcomes('heart', 'roll_1')).toEqual([report('b', 1), report('a', 1), report('b', 2)])
      expect(await records.outcomes('heart', 'roll_3')).toEqual([])
    })

    it('gives out copies', async () => {
      await records.saveRun(run('a', 1))
      Object.assign((await records.run('a'))!, { model: 'changed' })
      expect(await records.run('a')).toEqual(run('a', 1))
    })
  })
}
