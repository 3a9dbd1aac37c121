/** What the writer that gets killed writes, so that the test knows what must be there. */
import { createHash } from 'node:crypto'

export const PIECE = 64 * 1024
export const LENGTH = 40 * PIECE

export function journalEntry(sequence: number): string {
  return JSON.stringify({ sequence, text: 'x'.repeat(sequence % 3_000) })
}

export function patternOf(length: number, seed = 0): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) + seed * 7) & 0xff
  return bytes
}

export function spooledDigest(): string {
  return createHash('sha256').update(patternOf(LENGTH)).digest('hex')
}
