import type { Crypto } from '../../core/crypto/primitives.ts'
import { bytesView, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Aggregation } from '../../core/plan/aggregation.ts'
import { type FrozenTensor, frozenIn } from '../../core/plan/freeze.ts'
import type { Kernels } from '../../kernels/index.ts'

/** Screens one update while its segments arrive: finite values, bounded norm, nothing frozen moved. */
export interface UpdateScreen {
  /** Takes the values in their order. Throws `update.not-finite`, `update.norm-limit` or `update.frozen-moved`. */
  add(values: Float32Array): void
  /** All values were added. Throws `update.digest-mismatch`. */
  finish?(): void
  /** Euclidean norm of what was added. */
  readonly norm: number
}

/** Values that lie in the memory of `kernels` are screened there. The norm does not depend on where they lie. */
export function updateScreen(
  screens: Aggregation['screens'],
  kernels?: Pick<Kernels, 'addressOf' | 'squares'>,
  frozen: readonly FrozenTensor[] = [],
): UpdateScreen {
  let squares = 0
  let at = 0
  return {
    add(values) {
      const row = kernels?.addressOf(values)
      squares +=
        row === undefined || kernels === undefined
          ? sumOfSquares(values)
          : kernels.squares({ row, length: values.length })
      // A float32 squared fits into a float64, so the sum is finite exactly when every value is.
      if (!Number.isFinite(squares)) throw new ParleyError('update.not-finite')
      const norm = Math.sqrt(squares)
      if (norm > screens.maxNorm) {
        throw new ParleyError('update.norm-limit', `the norm of the update is above ${screens.maxNorm}`, {
          details: { normSoFar: norm, maxNorm: screens.maxNorm },
        })
      }
      checkFrozen(values, at, frozen)
      at += values.length
    },
    get norm() {
      return Math.sqrt(squares)
    },
  }
}

function checkFrozen(values: Float32Array, at: number, frozen: readonly FrozenTensor[]): void {
  for (const [begin, end, tensor] of frozenIn(frozen, at, values.length)) {
    for (let j = begin; j < end; j++) {
      if (values[j] === 0) continue
      throw new ParleyError('update.frozen-moved', `the update moves ${tensor}, which the plan freezes`)
    }
  }
}

/** Of a masked vector nothing can be seen; it must be the one that its client has announced. `digest` is its SHA-256 in hex. */
export function vectorScreen(crypto: Pick<Crypto, 'hasher'>, digest: string): UpdateScreen {
  const hash = crypto.hasher()
  return {
    add: (lanes) => hash.update(bytesView(lanes)),
    finish() {
      if (toHex(hash.digest()) === digest) return
      throw new ParleyError('update.digest-mismatch', 'the masked vector is not the one that was announced')
    },
    norm: 0,
  }
}

/** Throws `update.weight-limit` unless `samples` is a whole number from 1 to the plan's bound. */
export function screenSamples(screens: Aggregation['screens'], samples: number): void {
  if (!Number.isSafeInteger(samples) || samples < 1 || samples > screens.maxSampleWeight) {
    throw new ParleyError(
      'update.weight-limit',
      `the sample weight ${samples} is not a whole number from 1 to ${screens.maxSampleWeight}`,
    )
  }
}

// Eight independent sums, added up as the kernel adds its own: the additions overlap instead of waiting for one another.
function sumOfSquares(values: Float32Array): number {
  let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0]
  let j = 0
  for (; j + 7 < values.length; j += 8) {
    a += (values[j] as number) * (values[j] as number)
    b += (values[j + 1] as number) * (values[j + 1] as number)
    c += (values[j + 2] as number) * (values[j + 2] as number)
    d += (values[j + 3] as number) * (values[j + 3] as number)
    e += (values[j + 4] as number) * (values[j + 4] as number)
    f += (values[j + 5] as number) * (values[j + 5] as number)
    g += (values[j + 6] as number) * (values[j + 6] as number)
    h += (values[j + 7] as number) * (values[j + 7] as number)
  }
  let rest = 0
  for (; j < values.length; j++) rest += (values[j] as number) * (values[j] as number)
  return a + b + (c + d) + (e + f + (g + h)) + rest
}
