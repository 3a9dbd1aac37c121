/** `kill -9` of a process that writes: every record that it acknowledged is there, and the chain is whole. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { queryFolder, verifyFolder } from '../../audit/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { root } from '../support/source-files.ts'
import { auditKey, FEDERATION } from './fixtures.ts'

/** Appends for ever, from several places at once, and says what was acknowledged; of the built program. */
const writer = `
  import { writeSync } from 'node:fs'
  import { AuditLog } from '${join(root, 'dist/audit/index.js')}'
  import { nodeCrypto } from '${join(root, 'dist/core/crypto/node.js')}'
  import { systemClock } from '${join(root, 'dist/core/system-clock.js')}'
  const key = nodeCrypto.signingKey(Uint8Array.from({ length: 32 }, (_, i) => i))
  const options = { federation: '${FEDERATION}', key, crypto: nodeCrypto, clock: systemClock, fileBytes: 20_000, checkpointRecords: 7 }
  const log = await AuditLog.open(process.argv[1], options)
  async function work(name) {
    for (let i = 0; ; i++) {
      const details = { text: 'x'.repeat((i * 37) % 400) }
      const object = { kind: 'client', id: name }
      writeSync(1, await log.append({ action: 'client.connect', actor: object, object, details }) + '\\n')
    }
  }
  await Promise.all(['a', 'b', 'c', 'd'].map(work))
`

/** Runs the writer until it has acknowledged so many records, kills it, and returns all that it acknowledged. */
async function killAfter(folder: string, count: number): Promise<number[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const numbers: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    numbers.push(Number(line))
    if (numbers.length === count) child.kill('SIGKILL')
  }
  expect((await ended)[1]).toBe('SIGKILL')
  return numbers
}

test('a killed writer loses nothing that it acknowledged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-audit-killed-'))
  let most = 0
  for (const count of [1, 2, 5, 9, 26, 70, 150]) {
    const acknowledged = await killAfter(folder, count)
    const found = new Set<number>()
    for await (const { seq } of queryFolder(folder, {})) found.add(seq)
    expect(acknowledged.filter((seq) => !found.has(seq))).toEqual([])
    most = Math.max(most, ...acknowledged)
    const report = await verifyFolder(nodeCrypto, folder, { publicKey: auditKey.publicKey })
    expect(report.problem).toBeUndefined()
    expect(report.records).toBeGreaterThan(most)
  }
  expect(most).toBeGreaterThan(200)
  await rm(folder, { recursive: true })
})
