/** Writes everything at once, says on its output what the store has acknowledged, and never ends by itself. */
import { writeSync } from 'node:fs'
import { openDurableStore } from '../../../server/store/durable/store.ts'
import { journalEntry, LENGTH, PIECE, patternOf, spooledDigest } from './content.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('a folder is needed')
const store = await openDurableStore({ folder })
const acknowledge = (what: string) => writeSync(1, `${what}\n`)

async function journal() {
  for (let sequence = (await store.journal.read('run')).length; ; sequence++) {
    await store.journal.append('run', sequence, journalEntry(sequence))
    acknowledge(`journal ${sequence}`)
  }
}

async function blobs() {
  for (let seed = 0; ; seed++) acknowledge(`blob ${await store.blobs.put(patternOf(200_000, seed))}`)
}

async function versions() {
  for (let round = (await store.records.versions('model')).length; ; round++) {
    const prepare = () => ({ weights: 'a'.repeat(64), envelope: '{}', publishedAt: '2026-01-01T00:00:00.000Z' })
    const move = { reason: 'test', at: '2026-01-01T00:00:00.000Z', actor: 'test', envelope: '{}' }
    const alias = { name: 'production', prepare: () => move }
    const { number } = await store.records.publish({ model: 'model', run: 'run', round }, prepare, alias)
    acknowledge(`version ${number}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function upload() {
  const bytes = patternOf(LENGTH)
  const writer = await store.spool.resume(spooledDigest(), LENGTH, PIECE)
  while (writer.written < LENGTH) {
    await writer.write(bytes.subarray(writer.written, writer.written + PIECE))
    acknowledge(`upload ${writer.written}`)
  }
  await writer.commit()
}

await Promise.all([journal(), blobs(), versions(), upload()])
