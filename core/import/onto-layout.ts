import { bytesView } from '../encoding/bytes.ts'
import { ParleyError } from '../errors/index.ts'
import { unknownWord } from '../plan/words.ts'
import { type Layout, layoutLength, type TensorSpec, tensorsIn } from '../tensors/layout.ts'
import { quote } from '../tensors/safetensors-header.ts'
import { malformed } from '../tensors/safetensors-scanner.ts'

/** A float32 tensor of a file. */
export type FoundTensor = TensorSpec & {
  /** Writes its little-endian bytes, of which `out` has exactly the number. */
  readonly copyInto: (out: Uint8Array) => void
}

/** The model that a file must hold. */
export type ExpectedModel = {
  readonly layout: Layout
  /** What tensors of the file are called in the layout, by their name in the file; others have the same name in both. */
  readonly rename?: Readonly<Record<string, string>> | undefined
}

/** Mismatches that one message names. */
const MOST_NAMED = 5

/**
 * The flat vector of the layout, from tensors in whatever order. Exactly those of the layout, by name and by shape: nothing
 * is broadcast, transposed, left out or filled up. Throws `tensors.mismatch` with the tensors and their shapes, and
 * `tensors.malformed` for a value that is not finite.
 */
export function ontoLayout(found: readonly FoundTensor[], expected: ExpectedModel): Float32Array {
  const byName = renamed(found, expected)
  checkLayouts(
    [...byName].map(([name, { shape }]) => ({ name, shape })),
    expected.layout,
  )
  const weights = new Float32Array(layoutLength(expected.layout))
  for (const { tensor, offset, length } of tensorsIn(expected.layout)) {
    const values = weights.subarray(offset, offset + length)
    byName.get(tensor.name)?.copyInto(bytesView(values))
    if (!values.every(Number.isFinite)) throw malformed(`${quote(tensor.name)} has a value that is not finite`)
  }
  return weights
}

/** Throws `tensors.mismatch` unless `found` has the tensors of the layout, whatever their order. */
export function checkLayouts(found: readonly TensorSpec[], layout: Layout): void {
  const shapes = new Map(found.map(({ name, shape }) => [name, shape]))
  const due = new Map(layout.map(({ name, shape }) => [name, shape]))
  const problems = [
    ...layout.flatMap(({ name, shape }) => {
      const other = shapes.get(name)
      if (other === undefined) return [`${quote(name)} ${shown(shape)} is missing`]
      const same = other.length === shape.length && other.every((size, i) => size === shape[i])
      return same ? [] : [`${quote(name)} is ${shown(other)}, and the plan’s model has ${shown(shape)}`]
    }),
    ...found.flatMap(({ name, shape }) =>
      due.has(name) ? [] : [`${quote(name)} ${shown(shape)} is no tensor of the plan’s model`],
    ),
  ]
  if (problems.length > 0) throw mismatch(problems)
}

function renamed(found: readonly FoundTensor[], { layout, rename = {} }: ExpectedModel): Map<string, FoundTensor> {
  const names = found.map(({ name }) => name)
  const due = layout.map(({ name }) => name)
  const moves = new Map(Object.entries(rename))
  for (const [from, to] of moves) {
    if (!names.includes(from)) throw mismatch([`rename: ${unknownWord(from, names, 'tensor of the file')}`])
    if (!due.includes(to)) throw mismatch([`rename: ${unknownWord(to, due, 'tensor of the plan’s model')}`])
  }
  const byName = new Map<string, FoundTensor>()
  for (const tensor of found) {
    const name = moves.get(tensor.name) ?? tensor.name
    if (byName.has(name)) throw mismatch([`rename: two tensors of the file are ${quote(name)}`])
    byName.set(name, tensor)
  }
  return byName
}

function shown(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', …' : ''}]`
}

function mismatch(problems: readonly string[]): ParleyError {
  const more = problems.length > MOST_NAMED ? `; and ${problems.length - MOST_NAMED} more` : ''
  return new ParleyError('tensors.mismatch', `${problems.slice(0, MOST_NAMED).join('; ')}${more}`)
}
