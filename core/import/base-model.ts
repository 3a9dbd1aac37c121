import type { Crypto } from '../crypto/primitives.ts'
import { toHex } from '../encoding/bytes.ts'
import type { ModelFile } from '../export/exported.ts'
import { quote, readHeader } from '../tensors/safetensors-header.ts'
import { malformed } from '../tensors/safetensors-scanner.ts'
import { defaultLimits } from '../wire/limits.ts'
import { type ExpectedModel, type FoundTensor, ontoLayout } from './onto-layout.ts'
import { type ImportLimits, readTfjsTensors, shardNames } from './tfjs-weights.ts'

/** The files of one model: a safetensors file, or a `model.json` of TF.js layers and behind it the files that it names. */
export type BaseFiles = readonly [first: ModelFile, ...rest: ModelFile[]]

/** A model in files, and its digest. */
export type Base = { readonly files: BaseFiles; readonly sha256: string }

/**
 * The weights of a model from elsewhere as the flat vector of a layout. What the first file is follows from its name:
 * `*.json` is TF.js layers, else it is safetensors. Float32 only.
 *
 * Throws `tensors.malformed` for bytes that are not such a model within the limits, or have values that are not finite;
 * `tensors.mismatch`, with tensors and shapes, for a model that is not the expected one.
 */
export function readBaseModel(
  files: BaseFiles,
  expected: ExpectedModel,
  limits: ImportLimits = defaultLimits,
): Float32Array {
  const [first, ...rest] = files
  const bytes = files.reduce((sum, file) => sum + file.bytes.length, 0)
  if (bytes > limits.modelBytes) throw malformed(`the model has ${bytes} bytes, and the limit is ${limits.modelBytes}`)
  const found = isTfjs(first) ? readTfjsTensors(first.bytes, rest, limits) : safetensors(first.bytes, limits)
  return ontoLayout(found, expected)
}

/** The files that are to be read after the first one, which lie beside it; none for safetensors. */
export function filesBeside(first: ModelFile, limits: ImportLimits = defaultLimits): readonly string[] {
  return isTfjs(first) ? shardNames(first.bytes, limits) : []
}

/** With the SHA-256 over the files one after the other, in lower-case hex: what a plan names a base by. */
export function baseOf({ hasher }: Pick<Crypto, 'hasher'>, files: BaseFiles): Base {
  const hash = hasher()
  for (const { bytes } of files) hash.update(bytes)
  return { files, sha256: toHex(hash.digest()) }
}

function isTfjs({ name }: ModelFile): boolean {
  return name.toLowerCase().endsWith('.json')
}

/** Other programs may write tensors in another order than that of their names. */
function safetensors(bytes: Uint8Array, limits: ImportLimits): readonly FoundTensor[] {
  const { tensors, dataOffset } = readHeader(bytes, limits)
  return tensors.map(({ name, dtype, shape, begin, end }) => {
    if (dtype !== 'F32') throw malformed(`${quote(name)} is ${dtype}; only F32 is read`)
    return { name, shape, copyInto: (out) => out.set(bytes.subarray(dataOffset + begin, dataOffset + end)) }
  })
}
