import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { contract as blobs } from '../contract/blobs.ts'
import { contract as enrolments } from '../contract/enrolments.ts'
import { contract as journal } from '../contract/journal.ts'
import { contract as members } from '../contract/members.ts'
import { contract as records } from '../contract/records.ts'

async function durable() {
  const folder = await mkdtemp(join(tmpdir(), 'parley-store-'))
  const store = await openDurableStore({ folder })
  return {
    ...store,
    close: async () => {
      await store.close()
      await rm(folder, { recursive: true })
    },
  }
}

for (const [name, make] of [
  ['in memory', async () => memoryStore()],
  ['SQLite and files', durable],
] as const) {
  blobs(name, make)
  blobs(`${name}, spool`, async () => {
    const { spool, close } = await make()
    return { blobs: spool, close }
  })
  journal(name, make)
  records(name, make)
  members(name, make)
  enrolments(name, make)
}
