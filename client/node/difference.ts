/**
 * Writes after − before into `out`, all of one length, in float32, and gives whether every result is finite. `out` shares no
 * memory with the others.
 */
export type Difference = (after: Float32Array, before: Float32Array, out: Float32Array) => boolean

export const difference: Difference = (after, before, out) => {
  // Zero times a finite number is zero; times anything else it is NaN. Four sums do not wait for one another.
  let [a, b, c, d] = [0, 0, 0, 0]
  let j = 0
  for (; j + 3 < out.length; j += 4) {
    const p = Math.fround((after[j] as number) - (before[j] as number))
    const q = Math.fround((after[j + 1] as number) - (before[j + 1] as number))
    const r = Math.fround((after[j + 2] as number) - (before[j + 2] as number))
    const s = Math.fround((after[j + 3] as number) - (before[j + 3] as number))
    out[j] = p
    out[j + 1] = q
    out[j + 2] = r
    out[j + 3] = s
    a += p * 0
    b += q * 0
    c += r * 0
    d += s * 0
  }
  for (; j < out.length; j++) {
    const p = Math.fround((after[j] as number) - (before[j] as number))
    out[j] = p
    a += p * 0
  }
  return a + b + c + d === 0
}
