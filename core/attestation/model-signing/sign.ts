import type { Crypto } from '../../crypto/primitives.ts'
import { toHex } from '../../encoding/bytes.ts'
import { ParleyError } from '../../errors/index.ts'
import { IN_TOTO_PAYLOAD_TYPE, signDsse } from '../dsse.ts'
import { canonicalBytes } from '../json-payload.ts'
import { keyHint } from '../pem.ts'
import type { FolderReader, ReleaseSigner } from '../ports.ts'
import { STATEMENT_TYPE } from '../statement.ts'
import { bundleBytes, type VerificationMaterial } from './bundle.ts'
import { ignoring, OWN_IGNORE_PATHS } from './ignore.ts'
import { caseTwins, compareCodePoints, isPortable, pathProblem } from './names.ts'
import { MODEL_SIGNING_TYPE, type ModelStatement, type Resource, rootDigest } from './predicate.ts'

/** A model's folder is signed with no more files than these. */
export const OWN_RESOURCES = 10_000

/** The files of a folder with their SHA-256, sorted by name. Throws `request.invalid` where one may not be signed. */
export async function digestFolder(crypto: Pick<Crypto, 'hasher'>, folder: FolderReader): Promise<readonly Resource[]> {
  const names: string[] = []
  for await (const { path, kind } of folder.list(ignoring(OWN_IGNORE_PATHS))) {
    if (kind === 'directory') continue
    if (kind !== 'file') throw refused(path, 'it is not a regular file')
    names.push(path)
  }
  checkNames(names)
  const resources: Resource[] = []
  for (const name of names.sort(compareCodePoints)) {
    const hasher = crypto.hasher()
    for await (const piece of folder.open(name)) hasher.update(piece)
    resources.push({ name, digest: toHex(hasher.digest()), algorithm: 'sha256' })
  }
  return resources
}

/**
 * The statement over a folder, in Parley's profile: whole files, SHA-256, no links.
 *
 * - `model`: the folder's base name;
 * - `resources`: each name with its SHA-256 in hex, in any order.
 *
 * Throws `request.invalid` on names that the profile refuses.
 */
export function modelStatement(
  crypto: Pick<Crypto, 'hasher'>,
  model: string,
  resources: readonly Pick<Resource, 'name' | 'digest'>[],
): ModelStatement {
  checkNames(resources.map(({ name }) => name))
  const sorted = [...resources].sort((a, b) => compareCodePoints(a.name, b.name))
  const root = rootDigest(
    crypto,
    sorted.map(({ digest }) => digest),
  )
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: model, digest: { sha256: root } }],
    predicateType: MODEL_SIGNING_TYPE,
    predicate: {
      resources: sorted.map(({ name, digest }) => ({ name, digest, algorithm: 'sha256' })),
      serialization: {
        method: 'files',
        hash_type: 'sha256',
        allow_symlinks: false,
        ignore_paths: [...OWN_IGNORE_PATHS],
      },
    },
  }
}

export type SignOptions = {
  /** DER, the leaf first, which is of the signer's key: method `certificate`. Without them: method `key`. */
  readonly certificates?: readonly Uint8Array[]
}

/** The bytes of `model.sig`: the statement in canonical JSON, signed by the release key. */
export async function signModel(
  crypto: Pick<Crypto, 'sha256'>,
  signer: ReleaseSigner,
  statement: ModelStatement,
  { certificates }: SignOptions = {},
): Promise<Uint8Array> {
  const envelope = await signDsse(signer, IN_TOTO_PAYLOAD_TYPE, canonicalBytes(statement))
  const material: VerificationMaterial =
    certificates === undefined
      ? { method: 'key', hint: keyHint(crypto, signer.publicKeyPem) }
      : { method: 'certificate', certificates }
  return bundleBytes({ material, envelope })
}

function checkNames(names: readonly string[]): void {
  if (names.length === 0) throw new ParleyError('request.invalid', 'there is no file to be signed')
  if (names.length > OWN_RESOURCES) throw new ParleyError('request.invalid', `more than ${OWN_RESOURCES} files`)
  const ignored = ignoring(OWN_IGNORE_PATHS)
  for (const name of names) {
    if (pathProblem(name) !== undefined || !isPortable(name)) throw refused(name, 'its name is not portable')
    if (ignored(name)) throw refused(name, 'it is among the ignored paths')
  }
  if (new Set(names).size !== names.length) throw new ParleyError('request.invalid', 'a name stands there twice')
  const twins = caseTwins(names)
  if (twins !== undefined) throw refused(twins[1], `it differs from ${twins[0]} in case only`)
}

function refused(name: string, reason: string): ParleyError {
  return new ParleyError('request.invalid', `${JSON.stringify(name.slice(0, 200))} cannot be signed: ${reason}`)
}
