/** What every store of records must do: the sentences of Records in server/store/ports.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Records, RunRecord } from '../../server/store/ports.ts'

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
      const alias = { name: 'production', reason: 'gates passed' }
      const first = await records.publish(candidate, () => prepared(1), alias)
      const again = await records.publish(
        candidate,
        () => {
          throw new Error('prepared twice')
        },
        { name: 'canary', reason: 'by mistake' },
      )
      expect(again).toEqual(first)
      expect(await records.aliasHistory('heart')).toHaveLength(1)
    })

    it('stores nothing when the preparation fails, and gives the number to the next', async () => {
      const failure = new Error('no key')
      const alias = { name: 'production', reason: 'x' }
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
          reason: `r${round}`,
        })
      await publish(1, 'production')
      await publish(2, 'canary')
      await publish(3, 'production')
      const move = (alias: string, sequence: number, version: number) => ({
        model: 'heart',
        alias,
        sequence,
        version,
        reason: `r${version}`,
        at: prepared(version).publishedAt,
      })
      expect(await records.alias('heart', 'production')).toEqual(move('production', 2, 3))
      expect(await records.alias('heart', 'nobody')).toBeUndefined()
      expect(await records.alias('lung', 'production')).toBeUndefined()
      expect(await records.aliasHistory('heart')).toEqual([
        move('production', 1, 1),
        move('canary', 1, 2),
        move('production', 2, 3),
      ])
    })

    it('gives out copies', async () => {
      await records.saveRun(run('a', 1))
      Object.assign((await records.run('a'))!, { model: 'changed' })
      expect(await records.run('a')).toEqual(run('a', 1))
    })
  })
}
