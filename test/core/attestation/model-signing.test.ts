import { describe, expect, it } from 'vitest'
import { IN_TOTO_PAYLOAD_TYPE } from '../../../core/attestation/dsse.ts'
import { canonicalBytes } from '../../../core/attestation/json-payload.ts'
import { OWN_IGNORE_PATHS } from '../../../core/attestation/model-signing/ignore.ts'
import { compareByParts, compareCodePoints } from '../../../core/attestation/model-signing/names.ts'
import { type ModelStatement, rootDigest } from '../../../core/attestation/model-signing/predicate.ts'
import { digestFolder, modelStatement, signModel } from '../../../core/attestation/model-signing/sign.ts'
import { type ModelToVerify, modelCheckNames, verifyModel } from '../../../core/attestation/model-signing/verify.ts'
import { nodeCertificates, nodeEcdsa } from '../../../core/attestation/node.ts'
import { keyHint, pemOf } from '../../../core/attestation/pem.ts'
import type { ReleaseSigner } from '../../../core/attestation/ports.ts'
import { preAuthenticationEncoding } from '../../../core/crypto/envelope.ts'
import { nodeCrypto } from '../../../core/crypto/node.ts'
import { portableCrypto } from '../../../core/crypto/portable.ts'
import { fromUtf8, toBase64, toHex, utf8 } from '../../../core/encoding/bytes.ts'
import { canonicalJson } from '../../../core/encoding/canonical-json.ts'
import { certificate, keyPair, MemoryFolder, NOW, signerOf } from './support.ts'

const signer = signerOf(keyPair())
const other = signerOf(keyPair())
const content = {
  'model.safetensors': new Uint8Array(100).map((_, i) => i),
  'config.json': '{"a":1}',
  'plots/roc.svg': '<svg/>',
  'README.md': '# Card',
}
const folderOf = (files: Record<string, string | Uint8Array> = content) => new MemoryFolder(files)

async function signed(folder = folderOf(), by: ReleaseSigner = signer) {
  const statement = modelStatement(nodeCrypto, 'heart', await digestFolder(nodeCrypto, folder))
  return { statement, bundle: await signModel(nodeCrypto, by, statement) }
}

/** What somebody signs who does not keep to the rules. */
async function signedAnyhow(statement: unknown, by: ReleaseSigner = signer, text = JSON.stringify(statement, null, 2)) {
  const payload = utf8(text)
  const sig = toBase64(await by.sign(preAuthenticationEncoding(IN_TOTO_PAYLOAD_TYPE, payload)))
  return utf8(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: keyHint(nodeCrypto, by.publicKeyPem) }, tlogEntries: [] },
      dsseEnvelope: { payload: toBase64(payload), payloadType: IN_TOTO_PAYLOAD_TYPE, signatures: [{ sig, keyid: '' }] },
    }),
  )
}

const verify = (changes: Partial<ModelToVerify> & Pick<ModelToVerify, 'bundle'>) =>
  verifyModel({
    crypto: nodeCrypto,
    ecdsa: nodeEcdsa,
    trust: { method: 'key', publicKeys: [signer.publicKeyPem] },
    folder: folderOf(),
    profile: 'parley',
    ...changes,
  })

describe('a folder that is signed here', () => {
  it.each([
    ['node', nodeCrypto],
    ['portable', portableCrypto],
  ])('passes every check of both profiles with the %s primitives', async (_name, crypto) => {
    const { bundle, statement } = await signed()
    const root = statement.subject[0]!.digest.sha256!
    for (const profile of ['parley', 'oms'] as const) {
      const result = await verify({ crypto, bundle, profile, expected: { name: 'heart', root } })
      expect(result.failed).toBeUndefined()
      expect(result.checks.map(({ result: outcome }) => outcome)).toEqual(
        modelCheckNames.map((name) => (profile === 'oms' && name === 'profile' ? 'skipped' : 'pass')),
      )
      expect(result.root).toEqual({ sha256: root, order: 'code-point' })
      expect(result.signedBy).toEqual({ method: 'key', publicKeyPem: signer.publicKeyPem })
      expect(result.files).toContainEqual({ path: 'model.safetensors', bytes: 100 })
    }
  })

  it('hands on what it hashed, each file opened once', async () => {
    const { bundle } = await signed()
    const folder = folderOf()
    const handed = new Map<string, number[]>()
    await verify({
      bundle,
      folder,
      handOn: (path, piece) => void handed.set(path, [...(handed.get(path) ?? []), ...piece]),
    })
    expect(folder.opened.sort()).toEqual(Object.keys(content).sort())
    expect(handed.get('model.safetensors')).toEqual([...content['model.safetensors']])
  })

  it('may hold its signature and the marks of version control, and nothing else', async () => {
    const { bundle } = await signed()
    const more = { ...content, 'model.sig': bundle, '.git/config': '', '.gitignore': '' }
    expect((await verify({ bundle, folder: folderOf(more) })).failed).toBeUndefined()
    expect((await verify({ bundle, folder: folderOf({ ...content, 'sub/.gitignore': '' }) })).failed).toBe('unlisted')
  })

  it.each(['P-384', 'P-521'])('may be signed on %s', async (curve) => {
    const by = signerOf(keyPair(curve))
    const { bundle } = await signed(folderOf(), by)
    const trust = { method: 'key', publicKeys: [other.publicKeyPem, by.publicKeyPem] } as const
    expect((await verify({ bundle, trust })).failed).toBeUndefined()
  })

  it('may be signed with a certificate', async () => {
    const [root, leaf] = [keyPair(), keyPair()]
    const anchor = certificate({ subject: 'root', issuer: 'root', key: root, issuerKey: root, authority: true })
    const chain = [certificate({ subject: 'leaf', issuer: 'root', key: leaf, issuerKey: root })]
    const { statement } = await signed()
    const bundle = await signModel(nodeCrypto, signerOf(leaf), statement, { certificates: chain })
    const trust = {
      method: 'certificate',
      verifier: nodeCertificates,
      anchors: [pemOf('CERTIFICATE', anchor)],
      at: NOW,
    } as const
    expect((await verify({ bundle, trust })).failed).toBeUndefined()
    expect((await verify({ bundle, trust: { ...trust, at: NOW * 2 } })).failed).toBe('trust')
    expect((await verify({ bundle })).failed).toBe('trust')
  })

  it('has a statement in canonical JSON and equal bytes for equal folders', async () => {
    const { statement } = await signed()
    const again = modelStatement(nodeCrypto, 'heart', [...statement.predicate.resources].reverse())
    expect(canonicalBytes(again)).toEqual(canonicalBytes(statement))
    expect(statement.predicate.resources.map(({ name }) => name)).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'plots/roc.svg',
    ])
  })

  it.each<[string, Record<string, string>]>([
    ['is empty', {}],
    ['has a name with a space', { 'a b': '' }],
    ['has a name beyond ASCII', { ä: '' }],
    ['has names that differ in case only', { a: '', A: '' }],
    ['has folders that differ in case only', { 'a/b': '', 'A/c': '' }],
  ])('is not signed when it %s', async (_what, files) => {
    await expect(digestFolder(nodeCrypto, folderOf(files))).rejects.toThrow(
      expect.objectContaining({ code: 'request.invalid' }),
    )
  })

  it('is not signed when it has a link', async () => {
    const folder = folderOf()
    folder.strange.push({ path: 'link', kind: 'symlink' })
    await expect(digestFolder(nodeCrypto, folder)).rejects.toThrow('not a regular file')
  })
})

describe('a folder that is not as it was signed', () => {
  it.each<[string, string, (folder: MemoryFolder) => void]>([
    ['has a changed byte', 'digests', (folder) => void folder.files.set('README.md', utf8('# card'))],
    ['has a file that is longer', 'digests', (folder) => void folder.files.set('README.md', utf8('# Card.'))],
    ['has a file that is empty', 'digests', (folder) => void folder.files.set('README.md', utf8(''))],
    ['lacks a file', 'listing', (folder) => void folder.files.delete('README.md')],
    ['has one file more', 'unlisted', (folder) => void folder.files.set('extra', utf8(''))],
    ['has a twin of a file in another case', 'listing', (folder) => void folder.files.set('readme.md', utf8('# Card'))],
    ['has a link', 'listing', (folder) => void folder.strange.push({ path: 'link', kind: 'symlink' })],
    ['has a device', 'listing', (folder) => void folder.strange.push({ path: 'device', kind: 'other' })],
    ['has a file twice', 'listing', (folder) => void folder.strange.push({ path: 'README.md', kind: 'file' })],
    ['has a path that leaves it', 'listing', (folder) => void folder.strange.push({ path: '../x', kind: 'file' })],
    [
      'has a file renamed in case only',
      'listing',
      (folder) => {
        folder.files.set('readme.md', folder.files.get('README.md')!)
        folder.files.delete('README.md')
      },
    ],
  ])('%s: %s', async (_what, name, change) => {
    const { bundle } = await signed()
    const folder = folderOf()
    change(folder)
    for (const profile of ['parley', 'oms'] as const) {
      const { failed, checks, files } = await verify({ bundle, folder, profile })
      expect(failed).toBe(name)
      expect(checks.find((check) => check.name === name)?.detail).toEqual(expect.any(String))
      expect(files).toEqual([])
    }
  })

  it('is not asked for', async () => {
    const { bundle } = await signed()
    const folder = folderOf()
    expect((await verify({ bundle, folder, expected: { name: 'lung' } })).failed).toBe('identity')
    expect((await verify({ bundle, folder, expected: { root: '0'.repeat(64) } })).failed).toBe('identity')
    expect(folder.opened).toEqual([])
  })

  it('is not read to the end of an endless listing', async () => {
    const { bundle } = await signed()
    const folder = {
      *list() {
        for (let i = 0; ; i++) yield { path: `f${i}`, kind: 'file' as const }
      },
      open: () => [],
    }
    expect((await verify({ bundle, folder })).failed).toBe('listing')
  })

  it('throws what reading it throws', async () => {
    const { bundle } = await signed()
    const folder = folderOf()
    folder.open = () => {
      throw new Error('the disk is gone')
    }
    await expect(verify({ bundle, folder })).rejects.toThrow('the disk is gone')
  })
})

describe('trust', () => {
  it('is in the pinned key alone, whatever the hint says', async () => {
    const { statement, bundle } = await signed()
    const form = JSON.parse(fromUtf8(await signModel(nodeCrypto, other, statement)))
    form.verificationMaterial.publicKey.hint = keyHint(nodeCrypto, signer.publicKeyPem)
    expect((await verify({ bundle: utf8(JSON.stringify(form)), profile: 'oms' })).failed).toBe('signature')
    const foreign = JSON.parse(fromUtf8(bundle))
    foreign.verificationMaterial.publicKey.hint = keyHint(nodeCrypto, other.publicKeyPem)
    expect((await verify({ bundle: utf8(JSON.stringify(foreign)), profile: 'oms' })).failed).toBe('trust')
  })

  it('takes rawBytes of older signers as a hint', async () => {
    const { bundle } = await signed()
    const withRaw = (raw: Uint8Array) => {
      const form = JSON.parse(fromUtf8(bundle))
      form.verificationMaterial.publicKey = { rawBytes: toBase64(raw) }
      return utf8(JSON.stringify(form))
    }
    const check = async (raw: Uint8Array) => (await verify({ bundle: withRaw(raw), profile: 'oms' })).failed
    expect(await check(utf8(signer.publicKeyPem))).toBeUndefined()
    expect(await check(utf8(other.publicKeyPem))).toBe('trust')
    expect(await check(Uint8Array.of(0xff, 1))).toBeUndefined()
    expect((await verify({ bundle: withRaw(utf8(signer.publicKeyPem)) })).failed).toBe('profile')
  })

  it.each<[string, ModelToVerify['trust']]>([
    ['no pin', { method: 'key', publicKeys: [] }],
    ['a pin that is none', { method: 'key', publicKeys: ['key'] }],
    ['no anchor', { method: 'certificate', verifier: nodeCertificates, anchors: [], at: NOW }],
  ])('cannot be had with %s', async (_what, trust) => {
    const { bundle } = await signed()
    await expect(verify({ bundle, trust })).rejects.toThrow(expect.objectContaining({ code: 'request.invalid' }))
  })
})

type Form = {
  mediaType: string
  verificationMaterial: object
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string | null }[] }
}

describe('a bundle', () => {
  const changed = async (change: (form: Form) => void) => {
    const { bundle } = await signed()
    const form = JSON.parse(fromUtf8(bundle))
    change(form)
    return utf8(canonicalJson(form))
  }
  const envelope = (change: object) => (form: Form) => void Object.assign(form.dsseEnvelope, change)
  const material = (value: object) => (form: Form) => void Object.assign(form, { verificationMaterial: value })

  it.each<[string, string, (form: Form) => void]>([
    ['is of another type', 'bundle', (form) => void Object.assign(form, { mediaType: 'application/json' })],
    ['has no material', 'bundle', material({})],
    ['has an empty chain', 'bundle', material({ x509CertificateChain: { certificates: [] } })],
    ['has another payload type', 'bundle', envelope({ payloadType: 'text/plain' })],
    ['has no signatures', 'bundle', envelope({ signatures: [] })],
    ['has a member too many in its envelope', 'bundle', envelope({ extra: 1 })],
    ['has a member too many', 'bundle', (form) => void Object.assign(form, { extra: 1 })],
    [
      'has two kinds of material',
      'material',
      (form) => void Object.assign(form.verificationMaterial, { certificate: { rawBytes: 'AAAA' } }),
    ],
    ['is keyless', 'material', material({ certificate: { rawBytes: 'AAAA' }, tlogEntries: [{}] })],
    ['has a key without any hint', 'material', material({ publicKey: {} })],
    [
      'has a certificate where a key is pinned',
      'trust',
      material({ x509CertificateChain: { certificates: [{ rawBytes: 'AAAA' }] } }),
    ],
    [
      'has a changed payload',
      'signature',
      (form) => envelope({ payload: form.dsseEnvelope.payload.replace('a', 'b') })(form),
    ],
    [
      'has its good signature in second place',
      'signature',
      (form) => void form.dsseEnvelope.signatures.unshift({ sig: 'AAAA' }),
    ],
  ])('that %s fails at %s', async (_what, name, change) => {
    const bundle = await changed(change)
    const folder = folderOf()
    for (const profile of ['parley', 'oms'] as const) {
      expect((await verify({ bundle, profile, folder })).failed).toBe(name)
      expect(folder.opened).toEqual([])
    }
  })

  it.each<[string, (form: Form) => void]>([
    ['is of a later type', (form) => void Object.assign(form, { mediaType: `${form.mediaType}; x` })],
    ['has a keyid', (form) => void Object.assign(form.dsseEnvelope.signatures[0]!, { keyid: 'k' })],
    ['has null for a keyid', (form) => void Object.assign(form.dsseEnvelope.signatures[0]!, { keyid: null })],
    [
      'has no transparency log entries',
      (form) => void Reflect.deleteProperty(form.verificationMaterial, 'tlogEntries'),
    ],
    ['has a second signature', (form) => void form.dsseEnvelope.signatures.push({ sig: 'AAAA' })],
    ['has an empty hint', material({ publicKey: { hint: '' }, tlogEntries: [] })],
  ])('that %s is well for OMS and not for Parley', async (_what, change) => {
    const bundle = await changed(change)
    expect((await verify({ bundle, profile: 'oms' })).failed).toBeUndefined()
    expect((await verify({ bundle })).failed).toBe('profile')
  })

  it.each<[string, Uint8Array]>([
    ['is empty', new Uint8Array()],
    ['is not UTF-8', Uint8Array.of(0xff)],
    ['is nested without end', utf8('['.repeat(500_000))],
    ['is a very deep value', utf8(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
    ['is too large', new Uint8Array(32 * 1024 * 1024 + 1).fill(0x20)],
  ])('that %s is none', async (_what, bundle) => {
    for (const profile of ['parley', 'oms'] as const) expect((await verify({ bundle, profile })).failed).toBe('bundle')
  })
})

describe('a statement that somebody signed', () => {
  type Predicate = ModelStatement['predicate']
  const sound = async () => (await signed()).statement
  const withRoot = (statement: ModelStatement, predicate: Predicate) => ({
    ...statement,
    subject: [
      {
        name: 'heart',
        digest: {
          sha256: rootDigest(
            nodeCrypto,
            predicate.resources.map(({ digest }) => digest),
          ),
        },
      },
    ],
    predicate,
  })
  const resources = (change: (list: Predicate['resources']) => Predicate['resources']) => (statement: ModelStatement) =>
    withRoot(statement, { ...statement.predicate, resources: change([...statement.predicate.resources]) })
  const serialization = (change: object) => (statement: ModelStatement) => ({
    ...statement,
    predicate: { ...statement.predicate, serialization: { ...statement.predicate.serialization, ...change } },
  })
  const first = (change: object) => resources(([one, ...rest]) => [{ ...one!, ...change }, ...rest])

  it.each<[string, string, (statement: ModelStatement) => unknown]>([
    ['is of another type', 'statement', (statement) => ({ ...statement, _type: 'https://in-toto.io/Statement/v0.1' })],
    ['has another predicate', 'statement', (statement) => ({ ...statement, predicateType: 'https://example.com/x' })],
    [
      'has the deprecated predicate',
      'statement',
      (statement) => ({ ...statement, predicateType: 'https://model_signing/Digests/v0.1' }),
    ],
    [
      'has two subjects',
      'statement',
      (statement) => ({ ...statement, subject: [...statement.subject, ...statement.subject] }),
    ],
    ['has a member too many', 'statement', (statement) => ({ ...statement, more: 1 })],
    [
      'has an upper-case digest',
      'statement',
      (statement) =>
        JSON.parse(
          JSON.stringify(statement).replace(
            /"digest":"([0-9a-f]+)"/,
            (_all, digest) => `"digest":"${digest.toUpperCase()}"`,
          ),
        ),
    ],
    ['has a shard size and whole files', 'statement', serialization({ shard_size: 8 })],
    ['has shards without a size', 'statement', serialization({ method: 'shards' })],
    ['has an unknown method', 'statement', serialization({ method: 'tree' })],
    [
      'has a subject without SHA-256',
      'rules',
      (statement) => ({ ...statement, subject: [{ name: 'x', digest: { blake2b: 'aa' } }] }),
    ],
    ['has no resources', 'rules', resources(() => [])],
    ['has a name twice', 'rules', resources(([one, ...rest]) => [one!, one!, ...rest])],
    ['is not sorted', 'rules', resources((list) => list.reverse())],
    ['has a name with two dots', 'rules', first({ name: '../README.md' })],
    ['has an absolute name', 'rules', first({ name: '/README.md' })],
    ['has a doubled slash', 'rules', first({ name: 'A//b' })],
    ['has a trailing slash', 'rules', first({ name: 'A/' })],
    ['has a name of one dot', 'rules', first({ name: '.' })],
    ['has a name with NUL', 'rules', first({ name: 'A\0' })],
    ['has a short digest', 'rules', first({ digest: 'aa' })],
    ['has another algorithm', 'rules', first({ algorithm: 'blake2b' })],
    ['has a sharded algorithm for whole files', 'rules', first({ algorithm: 'sha256-sharded-8' })],
    ['has another hash type', 'rules', serialization({ hash_type: 'blake3' })],
    ['ignores what it signs', 'rules', serialization({ ignore_paths: ['plots'] })],
    ['signs its signature', 'rules', first({ name: '.gitignore' })],
    ['ignores a path outside', 'rules', serialization({ ignore_paths: ['../x'] })],
    ['names shards that are none', 'rules', serialization({ method: 'shards', shard_size: 8 })],
    [
      'has a root of something else',
      'root',
      (statement) => ({ ...statement, subject: [{ name: 'heart', digest: { sha256: '0'.repeat(64) } }] }),
    ],
  ])('and that %s fails at %s', async (_what, name, change) => {
    const statement = await sound()
    // Changed by its text where no type allows it.
    const text = JSON.stringify(change(statement) ?? statement)
    expect((await verify({ bundle: await signedAnyhow(undefined, signer, text), profile: 'oms' })).failed).toBe(name)
  })

  it.each<[string, (statement: ModelStatement) => unknown]>([
    ['follows links', serialization({ allow_symlinks: true })],
    ['ignores more', serialization({ ignore_paths: [...OWN_IGNORE_PATHS, 'z'] })],
    ['ignores nothing', serialization({ ignore_paths: undefined })],
    ['ignores in another order', serialization({ ignore_paths: [...OWN_IGNORE_PATHS].reverse() })],
    [
      'has a member that nobody knows',
      (statement) => ({ ...statement, subject: [{ ...statement.subject[0], more: 1 }] }),
    ],
    ['is only not in canonical form', (statement) => statement],
  ])('and that %s is well for OMS and not for Parley', async (_what, change) => {
    const bundle = await signedAnyhow(change(await sound()))
    expect((await verify({ bundle, profile: 'oms' })).failed).toBeUndefined()
    expect((await verify({ bundle })).failed).toBe('profile')
  })

  it('may have its members twice for nobody of Parley', async () => {
    const text = fromUtf8(canonicalBytes(await sound())).replace('{', '{"_type":"x",')
    const bundle = await signedAnyhow(undefined, signer, text)
    expect((await verify({ bundle })).failed).toBe('profile')
  })

  it('may be sorted by the parts of its paths, as the reference implementation does', async () => {
    const files = { 'a/b': '1', 'a.b': '2', c: '3' }
    const list = Object.entries(files).map(([name, text]) => ({
      name,
      digest: toHex(nodeCrypto.sha256(utf8(text))),
      algorithm: 'sha256' as const,
    }))
    const statement = withRoot(await sound(), { ...(await sound()).predicate, resources: list })
    const result = await verify({ bundle: await signedAnyhow(statement), folder: folderOf(files), profile: 'oms' })
    expect(result.failed).toBeUndefined()
    expect(result.root?.order).toBe('path-parts')
    expect((await verify({ bundle: await signedAnyhow(statement), folder: folderOf(files) })).failed).toBe('profile')
  })

  it.each(['.', 'model.bin'])('may be of a single file that it names %s', async (name) => {
    const digest = toHex(nodeCrypto.sha256(utf8('weights')))
    const statement = withRoot(await sound(), {
      resources: [{ name, digest, algorithm: 'sha256' }],
      serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false },
    })
    const bundle = await signedAnyhow(statement)
    const folder = folderOf({ 'model.bin': 'weights' })
    const single = { bundle, folder, profile: 'oms', singleFile: 'model.bin' } as const
    expect((await verify(single)).failed).toBeUndefined()
    expect((await verify({ ...single, folder: folderOf({ 'model.bin': 'weighty' }) })).failed).toBe('digests')
  })
})

describe('shards', () => {
  const files = { 'a:1': '0123456789abcdefXYZ', b: '76543210', empty: '' }
  const names = ['a:1:0:8', 'a:1:8:16', 'a:1:16:19', 'b:0:8']
  const statement = (list: readonly string[], order: readonly string[] = list, size = 8) => {
    const digest = (name: string) => {
      const [end, start] = name.split(':').reverse().map(Number)
      const text = files[name.startsWith('a') ? 'a:1' : 'b'].slice(start, end)
      return toHex(nodeCrypto.sha256(utf8(text)))
    }
    return {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'x', digest: { sha256: rootDigest(nodeCrypto, order.map(digest)) } }],
      predicateType: 'https://model_signing/signature/v1.0',
      predicate: {
        resources: list.map((name) => ({ name, digest: digest(name), algorithm: 'sha256' })),
        serialization: { method: 'shards', hash_type: 'sha256', allow_symlinks: false, shard_size: size },
      },
    }
  }
  const sorted = [...names].sort(compareCodePoints)
  const check = async (value: unknown, changes: Record<string, string> = {}) =>
    verify({ bundle: await signedAnyhow(value), folder: folderOf({ ...files, ...changes }), profile: 'oms' })

  it('are verified in both orders, and the result says which gave the root', async () => {
    expect(sorted).not.toEqual(names)
    for (const list of [names, sorted]) {
      expect((await check(statement(list, sorted))).root?.order).toBe('code-point')
      expect((await check(statement(list, names))).root?.order).toBe('path-parts')
      expect((await check(statement(list, [...names].reverse()))).failed).toBe('root')
    }
  })

  it.each<[string, string, Record<string, string>]>([
    ['a changed byte', 'digests', { 'a:1': '0123456789abcdefXYz' }],
    ['a byte more', 'digests', { b: '765432108' }],
    ['a byte less', 'digests', { b: '7654321' }],
    ['a file more', 'unlisted', { c: '.' }],
  ])('find %s', async (_what, name, changes) => {
    expect((await check(statement(names), changes)).failed).toBe(name)
  })

  it('leave empty files out', async () => {
    expect((await check(statement(names), { c: '' })).failed).toBeUndefined()
  })

  it.each<[string, readonly string[], number]>([
    ['a hole', ['a:1:0:8', 'a:1:16:19', 'b:0:8'], 8],
    ['a missing beginning', ['a:1:8:16', 'a:1:16:19', 'b:0:8'], 8],
    ['an overlap', ['a:1:0:8', 'a:1:7:15', 'b:0:8'], 8],
    ['a short one before the last', ['a:1:0:7', 'a:1:7:15', 'b:0:8'], 8],
    ['one that is too large', names, 7],
    ['one that ends before it begins', ['b:8:0'], 8],
    ['one with leading zeros', ['b:00:8'], 8],
  ])('with %s are refused', async (_what, list, size) => {
    expect((await check(statement(list, list, size))).failed).toBe('rules')
  })

  it('are not for Parley', async () => {
    const bundle = await signedAnyhow(statement(names))
    expect((await verify({ bundle, folder: folderOf(files) })).failed).toBe('profile')
  })
})

it('names are compared by code point, not by UTF-16 code unit', () => {
  expect(['\u{1f600}', '\uffee', 'a'].sort(compareCodePoints)).toEqual(['a', '\uffee', '\u{1f600}'])
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const names = ['a/b', 'a.b', 'a', 'ab', '\u{10000}', '\ue000', '\ud7ff', 'é']
  expect([...names].sort(compareCodePoints)).toEqual([...names].sort(byBytes))
  expect(['a.b', 'a/b', 'a'].sort(compareByParts)).toEqual(['a', 'a/b', 'a.b'])
})
