/** `parley audit export` and `verify` on bundles: taken from a coordinator over HTTP, checked where nothing but the key is. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { auditKey } from '../audit/fixtures.ts'
import { Exporting, LOG, linesOf, pack, rewrite, setLines, unpack } from '../evidence/bundles.ts'
import { inProcess, parleyJson } from '../support/cli.ts'
import { coordinatorKey } from '../support/federation.ts'
import { releaseSigner } from '../support/release.ts'
import { adminToken } from '../support/started.ts'

let coordinator: Exporting
let folder: string
let bundle: string
const key = toHex(auditKey.publicKey)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-evidence-cli-'))
  coordinator = await Exporting.create()
  bundle = join(folder, 'evidence.tar')
  await writeFile(join(folder, 'token'), adminToken)
})
afterAll(async () => {
  await coordinator.stop()
  await rm(folder, { recursive: true, force: true })
})

const from = () => ['--url', coordinator.url, '--token-file', join(folder, 'token')]

describe('parley audit export, with versions', () => {
  test('writes a bundle that says how it is checked', async () => {
    const { code, stdout } = await inProcess('audit', 'export', bundle, '--all-versions', ...from())
    expect(code).toBe(0)
    expect(stdout).toContain(`check it with: parley audit verify ${bundle}`)
    const some = join(folder, 'some.tar')
    expect(await parleyJson('audit', 'export', some, '--with', 'tiny@production', ...from())).toMatchObject({
      path: some,
    })
    expect(await parleyJson('audit', 'verify', some, '--key', key)).toMatchObject({ absent: ['tiny/1'] })
    const log = join(folder, 'log.tar')
    await parleyJson('audit', 'export', log, ...from())
    expect(await parleyJson('audit', 'verify', log, '--key', key)).toMatchObject({ versions: [] })
  })

  test('leaves what is there, and nothing where it was refused', async () => {
    expect((await inProcess('audit', 'export', bundle, '--all-versions', ...from())).code).toBe(2)
    const refused = join(folder, 'refused.tar')
    expect((await inProcess('audit', 'export', refused, '--all-versions', '--url', coordinator.url)).code).toBe(3)
    expect((await inProcess('audit', 'export', refused, '--with', 'tiny/9', ...from())).code).toBe(4)
    expect((await inProcess('audit', 'export', refused, '--with', 'tiny', '--all-versions', ...from())).code).toBe(2)
    await expect(readFile(refused)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(readFile(`${refused}.part`)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('parley audit verify, of a bundle', () => {
  test('takes keys as digits and as files, and says what it found', async () => {
    const { code, stdout } = await inProcess('audit', 'verify', bundle, '--key', key)
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('the bundle is whole, and its parts say the same: 2 versions'),
    ])
    await writeFile(join(folder, 'audit.key'), `${key}\n`)
    await writeFile(join(folder, 'audit.json'), await (await fetch(`${coordinator.url}/v1/audit/key`)).text())
    await writeFile(join(folder, 'release.pem'), releaseSigner.publicKeyPem)
    for (const file of ['audit.key', 'audit.json']) {
      const keys = ['--key', join(folder, file), '--coordinator-key', toHex(coordinatorKey.publicKey)]
      const release = ['--release-key', join(folder, 'release.pem')]
      const report = await parleyJson('audit', 'verify', bundle, ...keys, ...release)
      expect(report).toMatchObject({ pinned: true, problems: [], versions: [{ number: 1 }, { number: 2 }] })
    }
    expect((await inProcess('audit', 'verify', bundle, '--key', join(folder, 'release.pem'))).code).toBe(2)
  })

  test('ends with 4, and says so loudly, without a key', async () => {
    const { code, stdout, stderr } = await inProcess('audit', 'verify', bundle)
    expect(code).toBe(4)
    expect(stdout).toContain('keys of the bundle itself, vouch for nothing')
    expect(stderr).toContain('evidence.unpinned')
    const json = JSON.parse((await inProcess('audit', 'verify', bundle, '--json')).stdout) as object
    expect(json).toMatchObject({ status: 'error', exitCode: 4, error: { code: 'evidence.unpinned' } })
  })

  test('ends with 6 and the place for what is wrong, and shows nothing that a terminal would act on', async () => {
    const files = unpack(await readFile(bundle))
    setLines(
      files,
      linesOf(files).map((line) => line.replace('"mode":"sealed"', '"mode":"s\u009b2J"')),
    )
    const forged = join(folder, 'forged.tar')
    await writeFile(forged, pack(files))
    const { code, stderr } = await inProcess('audit', 'verify', forged, '--key', key)
    expect([code, stderr]).toEqual([6, expect.stringContaining(`audit.corrupt: ${LOG}, line`)])
    const strange = unpack(await readFile(bundle))
    strange.set('bundle.json', utf8('{"v":"\u001b[2J\u009b"}'))
    await writeFile(forged, pack(strange))
    const ended = await inProcess('audit', 'verify', forged, '--key', key)
    expect(ended.code).toBe(6)
    for (const one of ['\u001b', '\u009b']) expect(ended.stdout + ended.stderr).not.toContain(one)
    const { stdout } = await inProcess('audit', 'verify', forged, '--key', key, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'evidence.invalid' } })
  })

  test('holds it against a checkpoint that was kept', async () => {
    const kept = join(folder, 'kept')
    const files = unpack(await readFile(bundle))
    await writeFile(kept, linesOf(files, 'audit/checkpoints.jsonl').join('\n'))
    expect((await inProcess('audit', 'verify', bundle, '--key', key, '--checkpoint', kept)).code).toBe(0)
    const older = join(folder, 'older.tar')
    await writeFile(older, await coordinator.export())
    await writeFile(
      kept,
      linesOf(unpack(await readFile(older)), 'audit/checkpoints.jsonl')
        .slice(-1)
        .join('\n'),
    )
    const { code, stderr } = await inProcess('audit', 'verify', bundle, '--key', key, '--checkpoint', kept)
    expect([code, stderr]).toEqual([6, expect.stringContaining('the log ends here')])
  })
})

describe('parley audit compare', () => {
  test('finds one history in bundles, logs and kept checkpoints, and says how far it reaches', async () => {
    const kept = join(folder, 'kept-by-a-client')
    await writeFile(kept, `${linesOf(unpack(await readFile(bundle)), 'audit/checkpoints.jsonl').at(-1)}\n`)
    const later = join(folder, 'later.tar')
    await writeFile(later, await coordinator.export())
    const log = join(coordinator.folder, 'log')
    for (const [a, b] of [
      [bundle, later],
      [kept, later],
      [later, kept],
      [bundle, log],
    ] as const) {
      const found = await parleyJson<{ compared: number }>('audit', 'compare', a, b, '--key', key)
      expect(found.compared).toBeGreaterThan(0)
    }
  })

  test('ends with 6 and the record for two histories that are both signed, and with 2 where nothing is in common', async () => {
    const files = unpack(await readFile(bundle))
    await rewrite(files, (records) => records.map((one) => (one.seq === 3 ? { ...one, salt: '0'.repeat(32) } : one)))
    const other = join(folder, 'other.tar')
    await writeFile(other, pack(files))
    const { code, stderr } = await inProcess('audit', 'compare', bundle, other, '--key', key)
    expect([code, stderr]).toEqual([6, expect.stringContaining('two histories up to record 3')])
    const kept = join(folder, 'kept-of-the-other')
    await writeFile(kept, `${linesOf(files, 'audit/checkpoints.jsonl').at(-1)}\n`)
    expect((await inProcess('audit', 'compare', bundle, kept, '--key', key)).code).toBe(6)
    await writeFile(kept, '')
    expect((await inProcess('audit', 'compare', bundle, kept, '--key', key)).code).toBe(2)
    const strange = toHex(coordinatorKey.publicKey)
    expect((await inProcess('audit', 'compare', bundle, other, '--key', strange)).code).toBe(6)
  })
})
