import { z } from 'zod'

const units = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

const form = 'a size with its unit, such as 200MiB'

/** `512KiB`, `200MiB`, `4GiB`. */
export const sizeSchema = z.string({ error: form }).regex(/^\d{1,6}(B|KiB|MiB|GiB)$/, form)

/** Bytes of a size that `sizeSchema` accepted. */
export function sizeBytes(size: string): number {
  const unit = size.replace(/^\d+/, '')
  return Number.parseInt(size, 10) * (Object.hasOwn(units, unit) ? units[unit as keyof typeof units] : Number.NaN)
}
