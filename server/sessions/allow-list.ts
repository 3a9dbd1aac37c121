import { z } from 'zod'
import { fromHex, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { idField, keyField } from '../../core/run/fields.ts'

const allowListSchema = z.strictObject({
  clients: z.array(z.strictObject({ id: idField, publicKey: keyField })).max(100_000),
})

/** The clients that may take part, by identity. Everybody else is refused. */
export interface AllowList {
  /** The id of the client with this Ed25519 public key. */
  idOf(publicKey: Uint8Array): string | undefined
  publicKeyOf(id: string): Uint8Array | undefined
  /** Why the client with this key, which is known, is not to be let in. */
  refusalOf?(publicKey: Uint8Array): ParleyError | undefined
  /** All of them, in order; those too that are not to be let in now. */
  ids(): readonly string[]
  readonly size: number
}

/** Why this client, which is known, must not take part now. */
export function refusalOf(list: AllowList, client: string): ParleyError | undefined {
  const publicKey = list.publicKeyOf(client)
  return publicKey === undefined ? undefined : list.refusalOf?.(publicKey)
}

/** Reads a list `{"clients": [{"id", "publicKey"}]}`. Throws `config.invalid`, also when an id or key stands twice. */
export function parseAllowList(value: unknown): AllowList {
  const result = allowListSchema.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new ParleyError('config.invalid', `list of clients: ${issue?.path.join('.')}: ${issue?.message}`)
  }
  const ids = new Map<string, string>()
  const keys = new Map<string, Uint8Array>()
  for (const { id, publicKey } of result.data.clients) {
    if (ids.has(publicKey) || keys.has(id)) {
      throw new ParleyError('config.invalid', `list of clients: "${id}" or its key stands there twice`)
    }
    ids.set(publicKey, id)
    keys.set(id, fromHex(publicKey) ?? new Uint8Array(0))
  }
  return {
    idOf: (publicKey) => ids.get(toHex(publicKey)),
    publicKeyOf: (id) => keys.get(id),
    ids: () => [...keys.keys()].sort(),
    size: keys.size,
  }
}
