import { ALWAYS_IGNORED, ignoring } from './ignore.ts'
import { compareByParts, compareCodePoints, pathProblem, shardOf } from './names.ts'
import type { ModelStatement, Resource } from './predicate.ts'

/** A file of the folder as it was signed: its bytes up to each `end` have the digest; one part without end: all of it. */
export type SignedFile = {
  readonly path: string
  readonly parts: readonly { readonly digest: string; readonly end: number | undefined }[]
}

/**
 * The order of the resources that a root is over: by code point of their names, as the specification has it, or by parts
 * of the path and offsets, as its reference implementation sorts. They differ for `a/b` and `a.b`, and for shards.
 */
export type ResourceOrder = 'code-point' | 'path-parts'

export type SignedFolder = {
  /** The folder's base name; informative. */
  readonly name: string
  /** As it was signed, not yet computed. */
  readonly root: string
  readonly files: readonly SignedFile[]
  /** Digests of the resources in either order. */
  readonly digests: { readonly [Order in ResourceOrder]: readonly string[] }
  readonly ignored: (path: string) => boolean
  /** Shards leave empty files out, so that those may lie in the folder unsigned. */
  readonly emptyFilesSigned: boolean
}

export type RuleOptions = {
  /** The name of the signature within the folder. */
  readonly signatureName: string
  /** The base name, where one file was signed and no folder. */
  readonly singleFile: string | undefined
  readonly maxResources: number
}

type Part = Resource & { readonly path: string; readonly start: number; readonly end: number | undefined }

/** The rules that stand in the text of OMS v1.0 and not in its schemas. Throws an Error with the first that is broken. */
export function signedFolder(statement: ModelStatement, options: RuleOptions): SignedFolder {
  const { resources, serialization } = statement.predicate
  const [subject] = statement.subject
  const root = subject?.digest.sha256
  if (subject === undefined || root?.length !== 64) throw new Error('the subject has no SHA-256')
  if (resources.length === 0) throw new Error('there is no resource')
  if (resources.length > options.maxResources) throw new Error(`there are more than ${options.maxResources} resources`)
  checkAlgorithms(statement)
  const ignored = ignoring([...ALWAYS_IGNORED, options.signatureName, ...ignoredPaths(serialization.ignore_paths)])
  const parts = resources.map((resource) => partOf(resource, serialization.method === 'shards', options))
  for (const { path, name } of parts) if (ignored(path)) throw new Error(`${shown(name)} is signed and ignored at once`)
  checkSorted(parts)
  const files = filesOf(parts, serialization.method === 'shards' ? serialization.shard_size : undefined)
  if (options.singleFile !== undefined && files.length !== 1) throw new Error('more than the one file was signed')
  return {
    name: subject.name,
    root,
    files,
    digests: {
      'code-point': inOrder(parts, byCodePoint),
      'path-parts': inOrder(parts, byPathParts),
    },
    ignored,
    emptyFilesSigned: serialization.method === 'files',
  }
}

function checkAlgorithms({ predicate: { resources, serialization } }: ModelStatement): void {
  if (serialization.hash_type !== 'sha256') throw new Error(`${serialization.hash_type} is not computed here`)
  const sharded = serialization.method === 'shards' ? `sha256-sharded-${serialization.shard_size}` : undefined
  for (const { name, algorithm, digest } of resources) {
    if (algorithm !== 'sha256' && algorithm !== sharded) throw new Error(`${shown(name)} was hashed by ${algorithm}`)
    if (digest.length !== 64) throw new Error(`the digest of ${shown(name)} is no SHA-256`)
  }
}

function ignoredPaths(paths: readonly string[] = []): readonly string[] {
  for (const path of paths) {
    const problem = pathProblem(path)
    if (problem !== undefined) throw new Error(`the ignored path ${shown(path)}: ${problem}`)
  }
  return paths
}

function partOf(resource: Resource, sharded: boolean, { singleFile }: RuleOptions): Part {
  const shard = sharded ? shardOf(resource.name) : { path: resource.name, start: 0, end: undefined }
  if (shard === undefined) throw new Error(`${shown(resource.name)} is not the name of a shard`)
  // Older signatures of a single file name it so.
  const path = singleFile !== undefined && shard.path === '.' ? singleFile : shard.path
  const problem = pathProblem(path)
  if (problem !== undefined) throw new Error(`the name ${shown(resource.name)}: ${problem}`)
  return { ...resource, ...shard, path }
}

const byCodePoint = (a: Part, b: Part) => compareCodePoints(a.name, b.name)
const byPathParts = (a: Part, b: Part) => compareByParts(a.path, b.path) || a.start - b.start

function checkSorted(parts: readonly Part[]): void {
  if (new Set(parts.map(({ name }) => name)).size !== parts.length) throw new Error('a name stands there twice')
  const orders = [byCodePoint, byPathParts]
  const sorted = orders.some((compare) => parts.every((part, i) => i === 0 || compare(parts[i - 1] ?? part, part) < 0))
  if (!sorted) throw new Error('the resources are not sorted by name')
}

function inOrder(parts: readonly Part[], compare: (a: Part, b: Part) => number): string[] {
  return [...parts].sort(compare).map(({ digest }) => digest)
}

/** The files of the parts. Shards of a file must follow each other without a hole, all but the last of the full size. */
function filesOf(parts: readonly Part[], shardSize: number | undefined): SignedFile[] {
  const files: { path: string; parts: Part[] }[] = []
  for (const part of [...parts].sort(byPathParts)) {
    const file = files.at(-1)
    if (file?.path === part.path) file.parts.push(part)
    else files.push({ path: part.path, parts: [part] })
  }
  if (shardSize !== undefined) for (const file of files) checkShards(file.parts, shardSize)
  return files
}

function checkShards(shards: readonly Part[], size: number): void {
  let at = 0
  for (const [i, { name, start, end = 0 }] of shards.entries()) {
    const last = i === shards.length - 1
    if (start !== at || end - start > size || (!last && end - start !== size)) {
      throw new Error(`the shard ${shown(name)} does not follow the one before it`)
    }
    at = end
  }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
