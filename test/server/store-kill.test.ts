/** `kill -9` in the middle of writing: what was acknowledged is there, and what was partial goes on. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDurableStore } from '../../server/store/durable/store.ts'
import { journalEntry, LENGTH, PIECE, patternOf, spooledDigest } from './store-kill/content.ts'

const root = resolve(import.meta.dirname, '../..')
let programs: string

/** Node cannot run TypeScript by itself, so the store is translated into a folder of its own. */
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'parley-kill-'))
  await symlink(join(root, 'node_modules'), join(programs, 'node_modules'))
  await writeFile(join(programs, 'package.json'), '{"type":"module"}')
  for (const room of [
    'core/errors',
    'core/release',
    'core/encoding',
    'core/tensors',
    'core/wire',
    'server/store',
    'test/server/store-kill',
  ]) {
    for (const name of await readdir(join(root, room), { recursive: true })) {
      if (!name.endsWith('.ts')) continue
      const { outputText } = ts.transpileModule(await readFile(join(root, room, name), 'utf8'), {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2022,
          rewriteRelativeImportExtensions: true,
        },
      })
      const target = join(programs, room, name.replace(/\.ts$/, '.js'))
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, outputText)
    }
  }
})
afterAll(() => rm(programs, { recursive: true, force: true }))

/** Runs the writer until it has acknowledged so many things, kills it, and returns all that it acknowledged. */
async function killAfter(folder: string, count: number): Promise<string[]> {
  const writer: ChildProcess = spawn(process.execPath, [join(programs, 'test/server/store-kill/writer.js'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((done) => writer.once('exit', (_code, signal) => done(signal)))
  const lines: string[] = []
  if (writer.stdout === null) throw new Error('no output')
  for await (const line of createInterface({ input: writer.stdout })) {
    lines.push(line)
    if (lines.length === count) writer.kill('SIGKILL')
  }
  expect(await exited).toBe('SIGKILL')
  return lines
}

describe('a store whose process is killed', () => {
  it('has all that was acknowledged, and nothing half', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-killed-'))
    let journalled = 0
    for (const count of [1, 2, 3, 5, 8, 13, 30, 70]) {
      const acknowledged = await killAfter(folder, count)
      const store = await openDurableStore({ folder })

      const entries = await store.journal.read('run')
      const numbers = acknowledged.filter((line) => line.startsWith('journal ')).map((line) => Number(line.slice(8)))
      journalled = Math.max(journalled, ...numbers.map((number) => number + 1))
      expect(entries.length).toBeGreaterThanOrEqual(journalled)
      expect(entries).toEqual(entries.map((_, i) => journalEntry(i)))

      for (const line of acknowledged.filter((one) => one.startsWith('blob '))) await store.blobs.verify(line.slice(5))

      const versions = await store.records.versions('model')
      const published = acknowledged.filter((line) => line.startsWith('version ')).map((line) => Number(line.slice(8)))
      expect(versions.length).toBeGreaterThanOrEqual(Math.max(0, ...published))
      expect((await store.records.alias('model', 'production'))?.version).toBe(versions.at(-1)?.number)

      const uploaded = acknowledged.filter((line) => line.startsWith('upload ')).map((line) => Number(line.slice(7)))
      const digest = spooledDigest()
      if ((await store.spool.size(digest)) === undefined) {
        const rest = await store.spool.resume(digest, LENGTH, PIECE)
        expect(rest.written).toBeGreaterThanOrEqual(Math.max(0, ...uploaded))
        await rest.write(patternOf(LENGTH).subarray(rest.written))
        expect(await rest.commit()).toBe(digest)
      }
      await store.spool.verify(digest)
      await store.spool.remove(digest)
      await store.close()
    }
    const last = await openDurableStore({ folder })
    for await (const digest of last.blobs.list()) await last.blobs.verify(digest)
    await last.close()
    expect(journalled).toBeGreaterThan(20)
    await rm(folder, { recursive: true })
  })
})
