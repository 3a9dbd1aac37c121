import { utf8 } from '../encoding/bytes.ts'
import { canonicalJson } from '../encoding/canonical-json.ts'

/** One tensor of a model: float32, row-major. */
export type TensorSpec = {
  readonly name: string
  /** Non-negative integers; `[]` is a scalar. */
  readonly shape: readonly number[]
}

/**
 * The tensors of a model in the order in which they lie in the flat vector: by name, in code-point order, which is also
 * their order in a safetensors file. So the flat vector of a model *is* the data section of its file.
 */
export type Layout = readonly TensorSpec[]

/** Sorts tensors into layout order. */
export function layoutOf(tensors: readonly TensorSpec[]): Layout {
  return tensors
    .map(({ name, shape }) => ({ name, shape: [...shape] }))
    .sort((a, b) => compareCodePoints(a.name, b.name))
}

/** Number of float32 values of one tensor. */
export function tensorLength(tensor: TensorSpec): number {
  return tensor.shape.reduce((product, size) => product * size, 1)
}

/** Number of float32 values of the flat vector. */
export function layoutLength(layout: Layout): number {
  return layout.reduce((sum, tensor) => sum + tensorLength(tensor), 0)
}

/** Canonical bytes of a layout; their SHA-256 is the layout's digest. */
export function layoutBytes(layout: Layout): Uint8Array {
  return utf8(canonicalJson(layout.map(({ name, shape }) => ({ name, shape: [...shape] }))))
}

/** Each tensor with its place in the flat vector, in float32 values. */
export function* tensorsIn(layout: Layout): Generator<{ tensor: TensorSpec; offset: number; length: number }> {
  let offset = 0
  for (const tensor of layout) {
    const length = tensorLength(tensor)
    yield { tensor, offset, length }
    offset += length
  }
}

/** Compares by Unicode code point (JavaScript's `<` compares UTF-16 units, which differs beyond U+FFFF). */
export function compareCodePoints(a: string, b: string): number {
  const left = utf8(a)
  const right = utf8(b)
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] as number) - (right[i] as number)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
