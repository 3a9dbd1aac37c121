import { preAuthenticationEncoding } from '../../crypto/envelope.ts'
import type { Crypto } from '../../crypto/primitives.ts'
import type { DsseEnvelope } from '../dsse.ts'
import { readJson, shaped } from '../json-payload.ts'
import type { EcdsaVerifier, FolderReader } from '../ports.ts'
import { type BundleForm, envelopeOf, materialOf, parseBundle, type VerificationMaterial } from './bundle.ts'
import { checkFiles, FolderProblem, type HandOn, listFolder, type ReadFile, unlistedFile } from './folder.ts'
import { SIGNATURE_FILE } from './ignore.ts'
import { type ModelStatement, modelStatementSchema, rootDigest } from './predicate.ts'
import { checkProfile, OWN_BUNDLE_BYTES } from './profile.ts'
import { type ResourceOrder, type SignedFolder, signedFolder } from './rules.ts'
import { OWN_RESOURCES } from './sign.ts'
import { type ModelTrust, pinnedKeys, trustedKeys } from './trust.ts'

/** What is checked of a signed folder, in this order: nothing is believed before the signature, nothing read before the rules. */
export const modelCheckNames = [
  /** The file is a Sigstore bundle around a DSSE envelope of an in-toto Statement, and not too large. */
  'bundle',
  /** It has exactly one kind of verification material, a key or a certificate chain. */
  'material',
  /** That is trusted by configuration. */
  'trust',
  /** The first signature is by it. */
  'signature',
  /** What was signed has the form of an OMS v1.0 statement. */
  'statement',
  /** It keeps the rules of the specification's text. */
  'rules',
  /** It keeps Parley's profile; checked of Parley's own versions only. */
  'profile',
  /** It is of the name and the root that were asked for. */
  'identity',
  /** The folder has all signed files, no links, no devices, no names that differ in case only. */
  'listing',
  /** Every file has its digest. */
  'digests',
  /** The digests have the root. */
  'root',
  /** The folder has no file that was not signed. */
  'unlisted',
] as const
export type ModelCheckName = (typeof modelCheckNames)[number]

/** `skipped`: an earlier check failed, or it is not of this profile. `detail` says what is wrong. */
export type ModelCheck = {
  readonly name: ModelCheckName
  readonly result: 'pass' | 'fail' | 'skipped'
  readonly detail?: string
}

export type ModelVerification = {
  readonly checks: readonly ModelCheck[]
  /** The first check that failed; undefined when the folder may be used. */
  readonly failed: ModelCheckName | undefined
  /** What was signed, once its signature and its form are right. */
  readonly statement: ModelStatement | undefined
  /** The computed root digest, once it is the signed one, and the order of the resources that gave it. */
  readonly root: { readonly sha256: string; readonly order: ResourceOrder } | undefined
  /** The key that signed, once it is trusted. */
  readonly signedBy: { readonly method: 'key' | 'certificate'; readonly publicKeyPem: string } | undefined
  /** The signed files with their lengths, once they are as they were signed. */
  readonly files: readonly ReadFile[]
}

export type ModelToVerify = {
  readonly crypto: Pick<Crypto, 'sha256' | 'hasher'>
  readonly ecdsa: EcdsaVerifier
  readonly trust: ModelTrust
  /** The bytes of `model.sig`. */
  readonly bundle: Uint8Array
  readonly folder: FolderReader
  /** `parley` for versions that were published here, `oms` for what others signed. */
  readonly profile: 'parley' | 'oms'
  /** What was asked for: the subject's name, and the root digest in hex. */
  readonly expected?: { readonly name?: string; readonly root?: string }
  /** The signature's path within the folder, which nobody signs; by default `model.sig`. */
  readonly signatureName?: string
  /** The base name, where one file was signed and no folder: `folder` lists just that. */
  readonly singleFile?: string
  /** Takes each piece of each file as it was hashed, so that nothing is read a second time. */
  readonly handOn?: HandOn
}

/** Bounds for what others signed: a diffusion pipeline has some hundreds of files, and shards of 8 bytes exist in tests only. */
const OTHERS_BUNDLE_BYTES = 32 * 1024 * 1024
const OTHERS_RESOURCES = 200_000

/**
 * Checks a folder against its OpenSSF Model Signing v1.0 signature. Does not throw for what is wrong with either; throws
 * `request.invalid` for a pin that is none, and hands on what reading the folder throws.
 */
export async function verifyModel(model: ModelToVerify): Promise<ModelVerification> {
  const pinned = await pinnedKeys(model.ecdsa, model.trust)
  const state: State = { results: new Map(), files: [] }
  await steps(model, pinned, state)
  const { results, statement, root, signedBy, files } = state
  const failed = modelCheckNames.find((name) => results.get(name) !== undefined)
  return { checks: modelCheckNames.map((name) => checkOf(name, results)), failed, statement, root, signedBy, files }
}

type State = {
  readonly results: Map<ModelCheckName, string | undefined>
  files: readonly ReadFile[]
  statement?: ModelStatement | undefined
  root?: ModelVerification['root']
  signedBy?: ModelVerification['signedBy']
}

type Opened = { readonly form: BundleForm; readonly envelope: DsseEnvelope }

async function steps(model: ModelToVerify, pinned: readonly string[], state: State): Promise<void> {
  const { crypto, profile, expected = {} } = model
  const opened = await attempt(state, 'bundle', () => open(model))
  if (opened === undefined) return
  const material = await attempt(state, 'material', () => materialOf(opened.form))
  if (material === undefined) return
  const keys = await attempt(state, 'trust', () => trustedKeys(crypto, model.trust, pinned, material))
  if (keys === undefined) return
  const signer = await attempt(state, 'signature', () => signerOf(model, keys, opened.envelope))
  if (signer === undefined) return
  state.signedBy = { method: material.method, publicKeyPem: signer }
  const folder = await readStatement(model, opened, material, state)
  if (folder === undefined || state.results.get('profile') !== undefined) return
  const { name = folder.name, root = folder.root } = expected
  if (name !== folder.name || root !== folder.root) {
    state.results.set('identity', `this is ${JSON.stringify(folder.name.slice(0, 200))} with the root ${folder.root}`)
    return
  }
  state.results.set('identity', undefined)
  await readFolder(model, folder, profile === 'oms', state)
}

function open({ bundle, profile }: ModelToVerify): Opened {
  const form = parseBundle(bundle, profile === 'parley' ? OWN_BUNDLE_BYTES : OTHERS_BUNDLE_BYTES)
  return { form, envelope: envelopeOf(form) }
}

/** The first signature alone counts: the reference implementation looks at no other. */
async function signerOf({ ecdsa }: ModelToVerify, keys: readonly string[], envelope: DsseEnvelope): Promise<string> {
  const [signatureDer = new Uint8Array()] = envelope.signatures
  const message = preAuthenticationEncoding(envelope.payloadType, envelope.payload)
  for (const publicKeyPem of keys) if (await ecdsa.verify({ publicKeyPem, message, signatureDer })) return publicKeyPem
  throw new Error('the first signature is not by the trusted key')
}

async function readStatement(
  model: ModelToVerify,
  { envelope }: Opened,
  material: VerificationMaterial,
  state: State,
): Promise<SignedFolder | undefined> {
  const { profile, bundle: bytes, signatureName = SIGNATURE_FILE, singleFile } = model
  const statement = await attempt(state, 'statement', () =>
    shaped(modelStatementSchema, readJson(envelope.payload, 'the statement'), 'the statement'),
  )
  if (statement === undefined) return undefined
  state.statement = statement
  const maxResources = profile === 'parley' ? OWN_RESOURCES : OTHERS_RESOURCES
  const folder = await attempt(state, 'rules', () =>
    signedFolder(statement, { signatureName, singleFile, maxResources }),
  )
  if (folder === undefined) return undefined
  if (profile === 'parley') {
    await attempt(state, 'profile', () => checkProfile({ bytes, material, envelope, statement }))
  }
  return folder
}

async function readFolder(model: ModelToVerify, folder: SignedFolder, others: boolean, state: State): Promise<void> {
  const { crypto, folder: reader, handOn } = model
  const found = await attempt(state, 'listing', () => listFolder(reader, folder), isFolderProblem)
  if (found === undefined) return
  const files = await attempt(state, 'digests', () => checkFiles(crypto, reader, folder.files, handOn), isFolderProblem)
  if (files === undefined) return
  const orders: readonly ResourceOrder[] = others ? ['code-point', 'path-parts'] : ['code-point']
  const order = orders.find((one) => rootDigest(crypto, folder.digests[one]) === folder.root)
  state.results.set('root', order === undefined ? `the digests do not have the root ${folder.root}` : undefined)
  if (order === undefined) return
  const unlisted = await unlistedFile(reader, folder, found)
  state.results.set('unlisted', unlisted === undefined ? undefined : `${unlisted} was not signed`)
  state.root = { sha256: folder.root, order }
  if (unlisted === undefined) state.files = files
}

const isFolderProblem = (failure: unknown) => failure instanceof FolderProblem

/** Notes what the work throws as the check's result, where it says something about the version; else throws it on. */
async function attempt<Result>(
  { results }: State,
  name: ModelCheckName,
  work: () => Result | Promise<Result>,
  about: (failure: unknown) => boolean = () => true,
): Promise<Result | undefined> {
  try {
    const result = await work()
    results.set(name, undefined)
    return result
  } catch (failure) {
    if (!about(failure)) throw failure
    results.set(name, failure instanceof Error ? failure.message : String(failure))
    return undefined
  }
}

function checkOf(name: ModelCheckName, results: State['results']): ModelCheck {
  if (!results.has(name)) return { name, result: 'skipped' }
  const detail = results.get(name)
  return detail === undefined ? { name, result: 'pass' } : { name, result: 'fail', detail }
}
