/** What every journal must do: the sentences of Journal in server/store/ports.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Journal } from '../../server/store/ports.ts'

export type MakeJournal = () => Promise<{ readonly journal: Journal; readonly close: () => Promise<void> }>

export function contract(name: string, make: MakeJournal): void {
  describe(`journal: ${name}`, () => {
    let journal: Journal
    let close: () => Promise<void>
    beforeEach(async () => {
      const made = await make()
      journal = made.journal
      close = made.close
    })
    afterEach(() => close())

    it('gives back the entries of a run in order', async () => {
      const entries = Array.from({ length: 1_200 }, (_, i) => `{"n":${i},"text":"ä\\u0000\\n"}`)
      await Promise.all(entries.map((entry, i) => journal.append('run-1', i, entry)))
      expect(await journal.read('run-1')).toEqual(entries)
    })

    it('has nothing of an unknown run', async () => {
      expect(await journal.read('nobody')).toEqual([])
    })

    it('takes each number once and none ahead of its turn', async () => {
      await journal.append('run-1', 0, '"a"')
      await expect(journal.append('run-1', 0, '"b"')).rejects.toMatchObject({ code: 'run.conflict' })
      await expect(journal.append('run-1', 2, '"c"')).rejects.toMatchObject({ code: 'run.conflict' })
      await expect(journal.append('run-1', -1, '"d"')).rejects.toMatchObject({ code: 'run.conflict' })
      await journal.append('run-1', 1, '"e"')
      expect(await journal.read('run-1')).toEqual(['"a"', '"e"'])
    })

    it('lets one of two writers win, and does not disturb other runs', async () => {
      const outcomes = await Promise.allSettled([
        journal.append('run-1', 0, '"first"'),
        journal.append('run-1', 0, '"second"'),
        journal.append('run-2', 0, '"other"'),
        journal.append('run-1', 1, '"next"'),
      ])
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
      expect(await journal.read('run-1')).toEqual(['"first"', '"next"'])
      expect(await journal.read('run-2')).toEqual(['"other"'])
    })

    it('can be read while it grows', async () => {
      await Promise.all(Array.from({ length: 1_500 }, (_, i) => journal.append('run-1', i, `${i}`)))
      const growing = Promise.all(Array.from({ length: 100 }, (_, i) => journal.append('run-1', 1_500 + i, `${i}`)))
      const read = await journal.read('run-1')
      await growing
      expect(read.length).toBeGreaterThanOrEqual(1_500)
      expect((await journal.read('run-1')).slice(0, read.length)).toEqual(read)
    })
  })
}
