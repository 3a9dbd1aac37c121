import { ALIAS_PAYLOAD_TYPE, type AliasRecord, readAliasRecord } from '../../core/attestation/alias-record.ts'
import { parseDsse, verifyDsse } from '../../core/attestation/dsse.ts'
import type { Crypto } from '../../core/crypto/primitives.ts'
import { fromUtf8, utf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'

/** Records of the aliases of a model, and the first thing that is wrong with them; `line` counts from 1. */
export type AliasHistory = {
  readonly records: readonly AliasRecord[]
  readonly problem?: { readonly line: number; readonly message: string }
}

/** Reads the moves of a model’s aliases, one envelope a line, oldest first, each signed by the key and after the one before. */
export async function readAliasHistory(
  crypto: Pick<Crypto, 'sha256' | 'verify'>,
  publicKey: Uint8Array,
  model: string,
  bytes: Uint8Array,
): Promise<AliasHistory> {
  const records: AliasRecord[] = []
  const last = new Map<string, { readonly sequence: number; readonly sha256: string }>()
  let line = 1
  try {
    for (const text of linesOf(bytes)) {
      const verify = (message: Uint8Array, signature: Uint8Array) => crypto.verify(publicKey, message, signature)
      const payload = await verifyDsse(parseDsse(utf8(text)), ALIAS_PAYLOAD_TYPE, verify)
      const { record, sha256 } = readAliasRecord(crypto, payload)
      const before = last.get(record.alias)
      if (record.model !== model) throw new ParleyError('verify.failed', `it is of the model ${record.model}`)
      if (record.sequence !== (before?.sequence ?? 0) + 1) {
        throw new ParleyError(
          'verify.failed',
          `${record.alias} has move ${record.sequence} after ${before?.sequence ?? 0}`,
        )
      }
      if (record.previous !== (before?.sha256 ?? null)) {
        throw new ParleyError(
          'verify.failed',
          `move ${record.sequence} of ${record.alias} does not follow the one before`,
        )
      }
      last.set(record.alias, { sequence: record.sequence, sha256 })
      records.push(record)
      line++
    }
    return { records }
  } catch (failure) {
    return { records, problem: { line, message: ParleyError.from(failure, 'verify.failed').message } }
  }
}

function linesOf(bytes: Uint8Array): string[] {
  const text = fromUtf8(bytes)
  if (text === '') return []
  if (!text.endsWith('\n')) throw new ParleyError('verify.failed', 'the last line has no end')
  return text.slice(0, -1).split('\n')
}
