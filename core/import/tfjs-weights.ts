import { z } from 'zod'
import { fromUtf8 } from '../encoding/bytes.ts'
import type { ModelFile } from '../export/exported.ts'
import { isTensorName, quote } from '../tensors/safetensors-header.ts'
import { malformed } from '../tensors/safetensors-scanner.ts'
import type { Limits } from '../wire/limits.ts'
import type { FoundTensor } from './onto-layout.ts'

export type ImportLimits = Pick<Limits, 'headerBytes' | 'tensors' | 'shards' | 'modelBytes'>

/** Dimensions of a tensor; no layer has more. */
const MAX_RANK = 16

const entry = z.object({
  name: z.string(),
  shape: z.array(z.int().min(0)).max(MAX_RANK),
  dtype: z.string(),
  quantization: z.unknown().optional(),
})

const modelJson = z.object({
  format: z.string().optional(),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(entry) })),
})

type Manifest = z.output<typeof modelJson>['weightsManifest']

/**
 * The names of the weight files that a `model.json` of TF.js layers names, in the order of their data. They lie beside it:
 * a path with a folder in it is refused. Throws `tensors.malformed`.
 */
export function shardNames(json: Uint8Array, limits: ImportLimits): readonly string[] {
  const names = readManifest(json, limits).flatMap(({ paths }) => paths)
  if (names.length > limits.shards) throw malformed(`${names.length} weight files, at most ${limits.shards} are read`)
  names.forEach((name, i) => {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/.test(name)) throw malformed(`${quote(name)} is not the name of a file`)
    if (names.indexOf(name) !== i) throw malformed(`the weight file ${quote(name)} is named twice`)
  })
  return names
}

/**
 * The tensors of a TF.js layers model: `model.json` and the files that its manifest names. The data of a group of tensors
 * are its files one after the other, and they must have exactly as many bytes as the tensors. Float32 only; everything else
 * is refused by name. Throws `tensors.malformed`.
 */
export function readTfjsTensors(
  json: Uint8Array,
  files: readonly ModelFile[],
  limits: ImportLimits,
): readonly FoundTensor[] {
  shardNames(json, limits)
  const manifest = readManifest(json, limits)
  const count = manifest.reduce((sum, { weights }) => sum + weights.length, 0)
  if (count > limits.tensors) throw malformed(`${count} tensors, at most ${limits.tensors} are read`)
  const given = new Map(files.map(({ name, bytes }) => [name, bytes]))
  const names = new Set<string>()
  return manifest.flatMap(({ paths, weights }) => {
    const parts = paths.map((path) => {
      const bytes = given.get(path)
      if (bytes === undefined) throw malformed(`the weight file ${quote(path)} is missing`)
      return bytes
    })
    const bytes = parts.reduce((sum, part) => sum + part.length, 0)
    let at = 0
    const tensors = weights.map((weight): FoundTensor => {
      const { name, shape } = weight
      const length = lengthOf(weight)
      if (names.has(name)) throw malformed(`${quote(name)} comes twice`)
      names.add(name)
      const begin = at
      at += length
      if (at > bytes) throw malformed(`${quote(name)} ends at byte ${at} of ${bytes}`)
      return { name, shape, copyInto: (out) => copy(parts, begin, out) }
    })
    if (at !== bytes) throw malformed(`the tensors have ${at} bytes, and their files have ${bytes}`)
    return tensors
  })
}

/** Bytes of a tensor, once it is one that is read. */
function lengthOf({ name, shape, dtype, quantization }: z.output<typeof entry>): number {
  if (!isTensorName(name)) throw malformed(`${quote(name)} is not a name for a tensor`)
  if (quantization !== undefined) throw malformed(`${quote(name)} is quantised; only float32 is read`)
  if (dtype !== 'float32') throw malformed(`${quote(name)} is ${quote(dtype)}; only float32 is read`)
  const length = shape.reduce((product, size) => product * size, 4)
  if (!shape.every(Number.isSafeInteger) || !Number.isSafeInteger(length)) {
    throw malformed(`${quote(name)} has a shape that no file can hold`)
  }
  return length
}

function readManifest(json: Uint8Array, limits: ImportLimits): Manifest {
  if (json.length > limits.headerBytes) {
    throw malformed(`model.json has ${json.length} bytes, and the limit is ${limits.headerBytes}`)
  }
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(json))
  } catch {
    throw malformed('model.json is not JSON')
  }
  const parsed = modelJson.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw malformed(`model.json: ${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'another form'}`)
  }
  const { format = 'layers-model', weightsManifest } = parsed.data
  if (format !== 'layers-model') throw malformed(`model.json is a ${quote(format)}, not a layers-model`)
  return weightsManifest
}

/** The bytes from `begin` on of what lies in several parts one after the other, as many as `out` has. */
function copy(parts: readonly Uint8Array[], begin: number, out: Uint8Array): void {
  let at = 0
  for (const part of parts) {
    const from = Math.max(begin, at)
    const to = Math.min(begin + out.length, at + part.length)
    if (from < to) out.set(part.subarray(from - at, to - at), from - begin)
    at += part.length
  }
}
