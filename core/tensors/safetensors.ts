import { concatBytes, float32View, utf8 } from '../encoding/bytes.ts'
import { compareCodePoints, type Layout, tensorsIn } from './layout.ts'
import { type HeaderLimits, isTensorName, LENGTH_BYTES, quote, readHeader } from './safetensors-header.ts'
import { malformed } from './safetensors-scanner.ts'

export {
  type Dtype,
  type HeaderLimits,
  type ModelHeader,
  readDataOffset,
  readHeader,
  type StoredTensor,
} from './safetensors-header.ts'

/** The only metadata of a model file. Nothing that varies: equal weights must give equal bytes. */
export const MODEL_FORMAT = 'parley/1'

/**
 * The beginning of a model file: 8 bytes of length and the header, padded to a multiple of 8. Followed by the flat vector
 * of the layout in little-endian float32 it is the whole file. Deterministic, and ordered as the format's own writer does
 * it: one type only, so by name. Throws `tensors.malformed` when the layout is not in layout order, or a name or shape
 * cannot be written.
 */
export function writeHeader(layout: Layout): Uint8Array {
  checkOrder(layout.map(({ name }) => name))
  const members = [`"__metadata__":{"format":"${MODEL_FORMAT}"}`]
  for (const { tensor, offset, length } of tensorsIn(layout)) {
    const { name, shape } = tensor
    if (!isTensorName(name)) throw malformed(`${quote(name)} is not a name for a tensor`)
    const end = 4 * (offset + length)
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !Number.isSafeInteger(end)) {
      throw malformed(`${quote(name)} has no shape that can be written`)
    }
    members.push(
      `${JSON.stringify(name)}:{"dtype":"F32","shape":[${shape.join(',')}],"data_offsets":[${4 * offset},${end}]}`,
    )
  }
  const json = utf8(`{${members.join(',')}}`)
  const length = Math.ceil(json.length / 8) * 8
  const out = new Uint8Array(LENGTH_BYTES + length).fill(0x20)
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true)
  out.set(json, LENGTH_BYTES)
  return out
}

/** A whole model file of `values`, the flat vector of the layout. A copy; big files are written piece by piece instead. */
export function writeModel(layout: Layout, values: Float32Array): Uint8Array {
  const header = writeHeader(layout)
  const last = [...tensorsIn(layout)].at(-1)
  const due = last === undefined ? 0 : last.offset + last.length
  if (values.length !== due) throw malformed(`${values.length} values for a layout of ${due}`)
  return concatBytes(header, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
}

/**
 * The layout of a model file, from its header; `bytes` may be the file's beginning. Only what Parley trains: float32
 * tensors, in the order of their names. Throws `tensors.malformed` otherwise.
 */
export function readLayout(bytes: Uint8Array, limits: HeaderLimits = {}): { layout: Layout; dataOffset: number } {
  const { tensors, dataOffset } = readHeader(bytes, limits)
  for (const { name, dtype } of tensors) {
    if (dtype !== 'F32') throw malformed(`${quote(name)} is ${dtype}; a model that is trained is F32`)
  }
  checkOrder(tensors.map(({ name }) => name))
  return { layout: tensors.map(({ name, shape }) => ({ name, shape })), dataOffset }
}

/**
 * A whole model file: its layout, and its flat vector as a view of `bytes` (a copy where the data are not aligned to 4
 * bytes in memory, which a file of `writeHeader` in its own buffer never is). The values are not looked at.
 */
export function readModel(bytes: Uint8Array, limits: HeaderLimits = {}): { layout: Layout; values: Float32Array } {
  const { layout, dataOffset } = readLayout(bytes, { ...limits, fileBytes: bytes.length })
  return { layout, values: float32View(bytes.subarray(dataOffset)) }
}

function checkOrder(names: readonly string[]): void {
  names.forEach((name, i) => {
    const before = names[i - 1]
    if (before !== undefined && compareCodePoints(before, name) >= 0) {
      throw malformed(`${quote(name)} does not come after ${quote(before)}: tensors lie in the order of their names`)
    }
  })
}
