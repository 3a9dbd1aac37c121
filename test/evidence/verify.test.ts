/** A real coordinator’s bundle, verified in a folder of its own with the public keys alone; and every way to forge one. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EvidenceProblem, openBundle, tarHeader, verifyEvidence } from '../../audit/index.ts'
import { newReleaseKey, nodeEcdsa, nodeReleaseSigner } from '../../core/attestation/node.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { toHex, utf8 } from '../../core/encoding/bytes.ts'
import { auditKey } from '../audit/fixtures.ts'
import { coordinatorKey, keyOf } from '../support/federation.ts'
import { releaseSigner } from '../support/release.ts'
import {
  Exporting,
  type Files,
  LOG,
  linesOf,
  pack,
  pinned,
  recordsOf,
  rewrite,
  setLines,
  text,
  unpack,
  verify,
} from './bundles.ts'

let coordinator: Exporting
let whole: Uint8Array
beforeAll(async () => {
  coordinator = await Exporting.create()
  whole = await coordinator.export()
})
afterAll(() => coordinator.stop())

const changed = async (change: (files: Files) => unknown): Promise<readonly EvidenceProblem[]> => {
  const files = unpack(whole)
  await change(files)
  return (await verify(pack(files))).problems
}

const invalid = (message: RegExp) => ({ code: 'evidence.invalid', message: expect.stringMatching(message) })

describe('a bundle', () => {
  test('verifies with the audit key alone: log, versions, aliases, and that they say the same', async () => {
    const report = await verify(whole)
    expect(report.problems).toEqual([])
    expect(report).toMatchObject({
      pinned: true,
      keys: { audit: toHex(auditKey.publicKey), coordinator: toHex(coordinatorKey.publicKey) },
      versions: [
        { model: 'tiny', number: 1 },
        { model: 'tiny', number: 2 },
      ],
      aliasMoves: 2,
      updates: 6,
      updatesUnrecorded: 0,
      absent: [],
    })
    expect(report.log.covered).toBe(report.log.records - 1)
    const keys = { ...pinned, coordinator: coordinatorKey.publicKey, release: [releaseSigner.publicKeyPem] }
    expect((await verify(whole, keys)).problems).toEqual([])
  })

  test('says who took it, and which versions, in the last record of its log', () => {
    const last = recordsOf(unpack(whole)).at(-1)
    expect(last).toMatchObject({
      action: 'evidence.export',
      actor: { kind: 'system', id: 'host' },
      details: { versions: 2, all: true },
    })
    expect(text(unpack(whole), 'bundle.json')).toContain(`"export":"${last?.object.id}"`)
  })

  test('has no private key, and of clients their ids and public keys', () => {
    const files = unpack(whole)
    const { clients } = JSON.parse(text(files, 'participants.json')) as { clients: object[] }
    expect(clients).toEqual(['a', 'b'].map((id) => ({ id, publicKey: toHex(keyOf(id).publicKey) })))
    for (const [path, content] of files) {
      expect(Buffer.from(content).includes('PRIVATE KEY'), path).toBe(false)
      expect(Buffer.from(content).includes('entropy'), path).toBe(false)
    }
  })

  test('verifies unpacked too, by any tar', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-unpacked-'))
    try {
      execFileSync('tar', ['-xf', '-', '-C', folder], { input: whole })
      const source = await openBundle(folder)
      const options = { keys: pinned }
      expect((await verifyEvidence({ crypto: nodeCrypto, ecdsa: nodeEcdsa }, source, options)).problems).toEqual([])
      await symlink('/etc/passwd', join(folder, 'runs/link.json'))
      await expect(openBundle(folder)).rejects.toMatchObject(invalid(/runs\/link.json is neither file nor folder/))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  test('with the versions that were asked for names the others', async () => {
    const report = await verify(await coordinator.export('version=tiny/2'))
    expect(report).toMatchObject({ versions: [{ number: 2 }], absent: ['tiny/1'], problems: [] })
  })

  test('for one client shows its records and what the checks need, and nothing of others', async () => {
    const tar = await coordinator.export('all=true&client=a')
    const report = await verify(tar)
    expect(report).toMatchObject({ problems: [], updates: 6, updatesUnrecorded: 3 })
    expect(report.log.redacted).toBeGreaterThan(0)
    const files = unpack(tar)
    const shown = linesOf(files).filter((line) => line.includes('"record"'))
    expect(shown.some((line) => line.includes('"client.connect"') && line.includes('"id":"a"'))).toBe(true)
    expect(shown.filter((line) => line.includes('"id":"b"'))).toEqual([])
    expect([...files.keys()].filter((path) => path.startsWith('runs/'))).toEqual([])
  })

  test('is vouched for by nobody without a key', async () => {
    expect(await verify(whole, {})).toMatchObject({ pinned: false, problems: [] })
  })
})

describe('a bundle that was changed', () => {
  test('a record that was edited', async () => {
    const problems = await changed((files) =>
      setLines(
        files,
        linesOf(files).map((line) => line.replace('"rounds":1', '"rounds":2')),
      ),
    )
    expect(problems).toMatchObject([
      { kind: 'log', code: 'audit.corrupt', path: `${LOG}, line 3`, seq: expect.any(Number) },
    ])
    expect(problems[0]?.message).toContain('does not have its leaf')
  })

  test('a record that was dropped, in the middle and at the end', async () => {
    const dropped = await changed((files) => setLines(files, linesOf(files).toSpliced(2, 1)))
    expect(dropped).toMatchObject([{ code: 'audit.corrupt', path: `${LOG}, line 3`, seq: 2 }])
    const cut = await changed((files) => setLines(files, linesOf(files).slice(0, -1)))
    expect(cut).toMatchObject([{ code: 'audit.corrupt', message: expect.stringContaining('the log ends here') }])
    const both = await changed((files) => {
      setLines(files, linesOf(files).slice(0, -1))
      setLines(files, linesOf(files, 'audit/checkpoints.jsonl').slice(0, -1), 'audit/checkpoints.jsonl')
    })
    expect(both.map(({ code }) => code)).toContain('evidence.mismatch')
    expect(both.map(({ message }) => message).join()).toContain('no record of the export')
  })

  test('a log whose last line has no end', async () => {
    const problems = await changed((files) => files.set(LOG, (files.get(LOG) ?? new Uint8Array(0)).slice(0, -1)))
    expect(problems[0]).toMatchObject({ kind: 'log', code: 'audit.corrupt' })
  })

  test('a manifest in the place of another', async () => {
    const problems = await changed((files) => {
      const first = files.get('models/tiny/versions/1/manifest.dsse.json')
      files.set('models/tiny/versions/2/manifest.dsse.json', first ?? new Uint8Array(0))
    })
    expect(problems[0]).toMatchObject({ kind: 'version', code: 'verify.failed', path: 'models/tiny/versions/2/' })
    expect(problems[0]?.message).toContain('check "identity"')
  })

  test('weights in the place of others', async () => {
    const path = (n: number) => `models/tiny/versions/${n}/model/model.safetensors`
    const problems = await changed((files) => files.set(path(2), files.get(path(1)) ?? new Uint8Array(0)))
    expect(problems).toMatchObject([{ kind: 'version', code: 'verify.failed', path: 'models/tiny/versions/2/' }])
  })

  test('a file more in a version, and one less', async () => {
    const more = await changed((files) => files.set('models/tiny/versions/1/model/evil.py', utf8('x')))
    expect(more).toMatchObject([{ code: 'verify.failed', message: expect.stringContaining('evil.py') }])
    const less = await changed((files) => files.delete('models/tiny/versions/1/model/config.json'))
    expect(less).toMatchObject([{ code: 'verify.failed', message: expect.stringContaining('config.json') }])
  })

  test('a version that was left out, with the list that named it', async () => {
    const problems = await changed((files) => {
      for (const path of files.keys()) if (path.startsWith('models/tiny/versions/2/')) files.delete(path)
      const index = JSON.parse(text(files, 'bundle.json')) as { versions: object[]; all: boolean }
      files.set('bundle.json', utf8(JSON.stringify({ ...index, all: false, versions: index.versions.slice(0, 1) })))
    })
    expect(problems).toMatchObject([
      {
        kind: 'differs',
        code: 'evidence.mismatch',
        path: 'bundle.json',
        message: expect.stringContaining('another list'),
      },
    ])
  })

  test('a move of an alias that was dropped, and one that was forged', async () => {
    const path = 'models/tiny/aliases.jsonl'
    const dropped = await changed((files) => setLines(files, linesOf(files, path).slice(0, 1), path))
    expect(dropped).toMatchObject([{ kind: 'missing', code: 'evidence.mismatch', path, seq: expect.any(Number) }])
    expect(dropped[0]?.message).toContain('move 2 of tiny@production')
    const forged = await changed((files) => setLines(files, [...linesOf(files, path)].reverse(), path))
    expect(forged).toMatchObject([{ kind: 'alias', code: 'verify.failed', path: `${path}, line 1` }])
  })
})

describe('a log that whoever has its key wrote anew', () => {
  const rewritten = (change: Parameters<typeof rewrite>[1]) => changed((files) => rewrite(files, change))

  test('whole, is no problem: what it says is what it said', async () => {
    expect(await rewritten((records) => records)).toEqual([])
  })

  test.each([
    ['model.publish', 'tiny/2', 'models/tiny/versions/2/'],
    ['run.start', 'run_', 'models/tiny/versions/1/'],
    ['alias.move', 'tiny@production', 'models/tiny/aliases.jsonl'],
  ])('without a record of %s', async (action, id, path) => {
    let dropped = false
    const problems = await rewritten((records) =>
      records.filter((record) => {
        const hit = !dropped && record.action === action && record.object.id.startsWith(id)
        dropped ||= hit
        return !hit
      }),
    )
    expect(problems).toMatchObject([{ kind: 'unrecorded', code: 'evidence.mismatch', path }])
  })

  test.each([
    ['model.publish', { weights: 'f'.repeat(64) }],
    ['run.start', { plan: 'f'.repeat(64) }],
    ['alias.move', { version: 7 }],
    ['update.accept', { sha256: 'f'.repeat(64) }],
  ])('with another %s', async (action, details) => {
    let seq = -1
    const problems = await rewritten((records) =>
      records.map((record) => {
        if (seq >= 0 || record.action !== action) return record
        seq = record.seq
        return { ...record, details: { ...record.details, ...details } }
      }),
    )
    expect(problems).toMatchObject([{ kind: 'differs', code: 'evidence.mismatch', path: 'audit', seq }])
    expect(problems[0]?.message).toContain(`record ${seq}`)
  })

  test('with a version that is not there', async () => {
    const problems = await rewritten((records) =>
      records.flatMap((record) =>
        record.action === 'model.publish' && record.object.id === 'tiny/2'
          ? [record, { ...record, object: { kind: 'version', id: 'tiny/3' } }]
          : [record],
      ),
    )
    expect(problems).toMatchObject([
      { kind: 'missing', path: 'bundle.json', message: expect.stringContaining('tiny/3') },
    ])
  })
})

describe('keys', () => {
  test.each([
    ['audit', { audit: keyOf('other').publicKey }, 'audit.corrupt'],
    ['coordinator', { ...pinned, coordinator: keyOf('other').publicKey }, 'audit.corrupt'],
    ['release', { ...pinned, release: [nodeReleaseSigner(newReleaseKey()).publicKeyPem] }, 'verify.failed'],
  ])('another %s key is found', async (_name, keys, code) => {
    expect((await verify(whole, keys)).problems[0]).toMatchObject({ code })
  })

  test('a bundle by another audit key is found, whatever it says its key is', async () => {
    const files = unpack(whole)
    const key = text(files, 'audit/audit-key.json').replace(toHex(auditKey.publicKey), toHex(keyOf('x').publicKey))
    files.set('audit/audit-key.json', utf8(key))
    expect((await verify(pack(files))).problems).toEqual([])
    expect((await verify(pack(files), {})).problems[0]).toMatchObject({ code: 'audit.corrupt' })
  })
})

describe('a hostile bundle', () => {
  /** A header as no Parley writes it, with a right checksum. */
  function headed(change: (block: Buffer) => void, content = 'x'): Uint8Array {
    const block = Buffer.alloc(512)
    block.write('runs/x.json', 0)
    block.write('0000600\0', 100)
    block.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
    block.write('00000000000\0', 136)
    block.write('0', 156)
    block.write('ustar\x0000', 257)
    change(block)
    block.fill(' ', 148, 156)
    let sum = 0
    for (const byte of block) sum += byte
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const padded = Buffer.alloc(512)
    padded.write(content)
    return Buffer.concat([block, padded, whole])
  }
  const named = (name: string) => headed((block) => block.fill(0, 0, 100).write(name, 0))

  test.each([
    '../../etc/passwd',
    '/etc/passwd',
    'runs/../../x',
    'runs\\..\\x',
    'runs/./x',
    'runs//x',
    'r\u001b[2J',
    '~/x y',
  ])('does not lead to %j', async (name) => {
    await expect(verify(named(name))).rejects.toMatchObject(invalid(/path/))
  })

  test.each([
    ['1', /a link/],
    ['2', /a symbolic link/],
    ['3', /a device/],
    ['5', /a folder/],
    ['x', /no file/],
    ['L', /no file/],
    ['S', /no file/],
  ])('has no entries of the type %s', async (type, message) => {
    await expect(verify(headed((block) => block.write(type, 156)))).rejects.toMatchObject(invalid(message))
  })

  test('has no size but the one that it has', async () => {
    const huge = headed((block) => block.write('77777777777\0', 124))
    await expect(verify(huge)).rejects.toMatchObject(invalid(/it is cut: runs\/x.json should have 8589934591 bytes/))
    const binary = headed((block) => block.writeUInt8(0x80, 124))
    await expect(verify(binary)).rejects.toMatchObject(invalid(/a size that is none/))
  })

  test('has each file once, nothing strange, and nothing after its end', async () => {
    const files = unpack(whole)
    const twice = Buffer.concat([pack(new Map([['bundle.json', utf8('{}')]])).subarray(0, 1024), pack(files)])
    await expect(verify(twice)).rejects.toMatchObject(invalid(/bundle.json is there twice/))
    files.set('stray.txt', utf8('x'))
    await expect(verify(pack(files))).rejects.toMatchObject(invalid(/stray.txt belongs to nothing/))
    await expect(verify(Buffer.concat([whole, Buffer.alloc(512, 1)]))).rejects.toMatchObject(invalid(/after its end/))
  })

  test('is not cut anywhere', async () => {
    for (const part of [0.1, 0.5, 0.9, 1 - 1024 / whole.length]) {
      const cut = whole.subarray(0, Math.floor(part * whole.length))
      await expect(verify(cut)).rejects.toMatchObject(invalid(/cut/))
    }
    await expect(verify(new Uint8Array(0))).rejects.toMatchObject(invalid(/cut/))
    await expect(verify(Buffer.alloc(2048, 7))).rejects.toMatchObject(invalid(/not one of a tar file/))
  })

  test('is refused where a file that is read whole is too large, and where there are too many', async () => {
    const files = unpack(whole)
    files.set('bundle.json', new Uint8Array(16 * 2 ** 20 + 1))
    await expect(verify(pack(files))).rejects.toMatchObject(invalid(/bundle.json has more than 16777216 bytes/))
    const empty = tarHeader('runs/000000.json', 0, 0)
    const sum = Number.parseInt(Buffer.from(empty).toString('latin1', 148, 154), 8)
    const many = Array.from({ length: 100_001 }, (_, i) => {
      const digits = String(i).padStart(6, '0')
      const more = [...digits].reduce((total, digit) => total + Number(digit), 0)
      const block = Buffer.from(empty)
      block.write(digits, 5)
      block.write((sum + more).toString(8).padStart(6, '0'), 148)
      return block
    })
    await expect(verify(Buffer.concat(many))).rejects.toMatchObject(invalid(/more than 100000 files/))
  })

  test('is refused for an index that is none', async () => {
    for (const index of ['', '{}', '[', '{"v":1}', text(unpack(whole), 'bundle.json').replace('"tiny"', '".."')]) {
      const files = unpack(whole)
      files.set('bundle.json', utf8(index))
      await expect(verify(pack(files))).rejects.toMatchObject({ code: 'evidence.invalid' })
    }
    const files = unpack(whole)
    files.delete('bundle.json')
    await expect(verify(pack(files))).rejects.toMatchObject(invalid(/bundle.json is missing/))
  })
})

test('a folder that is no bundle is none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-no-bundle-'))
  try {
    await mkdir(dirname(join(folder, 'runs/x')), { recursive: true })
    await writeFile(join(folder, 'runs/x'), '')
    const source = await openBundle(folder)
    const work = verifyEvidence({ crypto: nodeCrypto, ecdsa: nodeEcdsa }, source, { keys: pinned })
    await expect(work).rejects.toMatchObject(invalid(/bundle.json is missing/))
    await expect(openBundle(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'object.not-found' })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
