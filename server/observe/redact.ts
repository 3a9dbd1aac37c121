/** Members that never reach a log, whatever they hold; compared in small letters without dashes and underscores. */
const secretNames = [
  'authorization',
  'cookie',
  'password',
  'passphrase',
  'payload',
  'secret',
  'seed',
  'token',
  'weights',
  'values',
  'envelope',
]

/** Keys that anyone may know. */
const publicNames = ['publickey', 'clientkey', 'coordinatorkey']

export const REDACTED = '[redacted]'

const MAX_DEPTH = 6
const MAX_ITEMS = 50
const MAX_TEXT = 2_000

/**
 * A copy of what is to be logged that holds no secrets and no data: members named like keys, tokens, seeds, secrets,
 * payloads or weights are replaced, byte and number arrays become their size, and depth, lists and texts are cut.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (value instanceof Error) return value
  if (value instanceof Date) return value.toISOString()
  if (depth >= MAX_DEPTH) return '[deeper]'
  if (Array.isArray(value)) return redactList(value, depth)
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      isSecret(name, member) ? REDACTED : redact(member, depth + 1),
    ]),
  )
}

function redactList(list: readonly unknown[], depth: number): unknown[] {
  const kept = list.slice(0, MAX_ITEMS).map((item) => redact(item, depth + 1))
  return list.length > MAX_ITEMS ? [...kept, `[${list.length - MAX_ITEMS} more]`] : kept
}

function isSecret(name: string, member: unknown): boolean {
  const plain = name.toLowerCase().replace(/[-_]/g, '')
  // The digest of a model file is called weights too, and is what one looks for in a log.
  if (plain === 'weights' && typeof member === 'string' && /^[0-9a-f]{64}$/.test(member)) return false
  if (publicNames.includes(plain)) return false
  return plain.endsWith('key') || plain.endsWith('keys') || secretNames.some((secret) => plain.endsWith(secret))
}
