/** Composition: the loss of independent mechanisms is the sum of their losses, so distributions are convolved. */
import { Fft } from '../../numeric/fft.ts'
import type { LossDistribution, LossPair } from './loss-distribution.ts'
import { type Window, windowOf } from './window.ts'

/** `times` rounds whose losses have these distributions. */
export type RepeatedPair = { readonly loss: LossPair; readonly times: number }

/**
 * What may lie outside of the window on each side. It is added to the infinite part, so that what the cyclic convolution
 * wraps around is never optimistic.
 */
const TAIL = 1e-15

export type Windows = { readonly remove: Window; readonly add: Window }

export function windowsOf(parts: readonly RepeatedPair[]): Windows {
  return {
    remove: windowOf(
      parts.map(({ loss, times }) => ({ loss: loss.remove, times })),
      TAIL,
    ),
    add: windowOf(
      parts.map(({ loss, times }) => ({ loss: loss.add, times })),
      TAIL,
    ),
  }
}

/**
 * The losses of all rounds together, by one Fourier transform for both directions: one is the real, the other the imaginary
 * part. All parts must have the same interval; the windows are those of `windowsOf`.
 */
export function composeLosses(parts: readonly RepeatedPair[], windows: Windows, interval: number): LossPair {
  const only = parts[0]
  if (only !== undefined && parts.length === 1 && only.times === 1) return only.loss
  const width = Math.max(windows.remove.high - windows.remove.low, windows.add.high - windows.add.low)
  const size = 2 ** Math.ceil(Math.log2(width / interval + 4))
  const fft = new Fft(size)
  const total = { re: new Float64Array(size), im: new Float64Array(size) }
  parts.forEach(({ loss, times }, index) => {
    const re = new Float64Array(size)
    const im = new Float64Array(size)
    wrapInto(re, loss.remove)
    wrapInto(im, loss.add)
    fft.forward(re, im)
    multiply(total, powers(re, im, times), index === 0)
  })
  fft.inverse(total.re, total.im)
  return {
    remove: unwrapped(total.re, windows.remove, interval, infinite(parts, 'remove')),
    add: unwrapped(total.im, windows.add, interval, infinite(parts, 'add')),
  }
}

function infinite(parts: readonly RepeatedPair[], direction: keyof LossPair): number {
  let logFinite = 0
  for (const { loss, times } of parts) logFinite += times * Math.log1p(-loss[direction].infinite)
  return -Math.expm1(logFinite) + 2 * TAIL
}

function wrapInto(values: Float64Array, { first, masses }: LossDistribution): void {
  const mask = values.length - 1
  for (let i = 0; i < masses.length; i++) {
    const at = (first + i) & mask
    values[at] = (values[at] as number) + (masses[i] as number)
  }
}

/**
 * From the transform of a + ib that of a^{*times} + i·b^{*times}, in place. As a and b are real, their transforms are the
 * symmetric parts: Aₖ = (Zₖ + Z̄ₙ₋ₖ)/2, Bₖ = (Zₖ − Z̄ₙ₋ₖ)/2i.
 */
function powers(re: Float64Array, im: Float64Array, times: number): { re: Float64Array; im: Float64Array } {
  const n = re.length
  for (let k = 0; k <= n >> 1; k++) {
    const mirror = (n - k) & (n - 1)
    const zRe = re[k] as number
    const zIm = im[k] as number
    const mRe = re[mirror] as number
    const mIm = im[mirror] as number
    const [aRe, aIm] = power((zRe + mRe) / 2, (zIm - mIm) / 2, times)
    const [bRe, bIm] = power((zIm + mIm) / 2, (mRe - zRe) / 2, times)
    re[k] = aRe - bIm
    im[k] = aIm + bRe
    re[mirror] = aRe + bIm
    im[mirror] = bRe - aIm
  }
  return { re, im }
}

function power(re: number, im: number, times: number): readonly [number, number] {
  if (times === 1) return [re, im]
  const size = Math.hypot(re, im) ** times
  const angle = Math.atan2(im, re) * times
  return [size * Math.cos(angle), size * Math.sin(angle)]
}

/** Multiplies direction by direction, not as one complex number: both are taken apart and put together again. */
function multiply(
  total: { re: Float64Array; im: Float64Array },
  factor: { re: Float64Array; im: Float64Array },
  first: boolean,
): void {
  if (first) {
    total.re.set(factor.re)
    total.im.set(factor.im)
    return
  }
  const n = total.re.length
  for (let k = 0; k <= n >> 1; k++) {
    const mirror = (n - k) & (n - 1)
    const t = parted(total, k, mirror)
    const f = parted(factor, k, mirror)
    const aRe = t.aRe * f.aRe - t.aIm * f.aIm
    const aIm = t.aRe * f.aIm + t.aIm * f.aRe
    const bRe = t.bRe * f.bRe - t.bIm * f.bIm
    const bIm = t.bRe * f.bIm + t.bIm * f.bRe
    total.re[k] = aRe - bIm
    total.im[k] = aIm + bRe
    total.re[mirror] = aRe + bIm
    total.im[mirror] = bRe - aIm
  }
}

function parted({ re, im }: { re: Float64Array; im: Float64Array }, k: number, mirror: number) {
  const zRe = re[k] as number
  const zIm = im[k] as number
  const mRe = re[mirror] as number
  const mIm = im[mirror] as number
  return { aRe: (zRe + mRe) / 2, aIm: (zIm - mIm) / 2, bRe: (zIm + mIm) / 2, bIm: (mRe - zRe) / 2 }
}

/** Reads the window out of a cyclic convolution. Rounding leaves masses a little below 0: they count as 0. */
function unwrapped(values: Float64Array, window: Window, interval: number, infinitePart: number): LossDistribution {
  const first = Math.floor(window.low / interval) - 1
  const mask = values.length - 1
  const masses = new Float64Array(values.length)
  for (let i = 0; i < masses.length; i++) masses[i] = Math.max(0, values[(first + i) & mask] as number)
  return { interval, first, masses, infinite: infinitePart }
}
