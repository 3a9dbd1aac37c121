import { readFile } from 'node:fs/promises'
import { parsePublicKey, publicKeyText } from '../audit/index.ts'
import type { CheckpointMemory } from '../client/index.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { replaceFile } from './home.ts'
import { existing } from './secret-files.ts'

/** Older ones are dropped. */
const MOST_LINES = 100

/**
 * The checkpoints of a coordinator's log that a client has kept: lines as `parley audit verify --checkpoint` takes them, the newest
 * last, and beside them the key that signed them, as it was seen first.
 */
export function fileCheckpointMemory(
  { lines: path, key: keyPath }: { readonly lines: string; readonly key: string },
  coordinatorKey: Uint8Array,
): CheckpointMemory {
  const kept = async () => ((await existing(path)) ?? '').split('\n').filter((line) => line !== '')
  return {
    async last() {
      const line = (await kept()).at(-1)
      if (line === undefined) return undefined
      const { publicKey } = parsePublicKey(await readFile(keyPath, 'utf8'), keyPath)
      return { publicKey, line }
    },
    async keep({ publicKey, line }) {
      await replaceFile(keyPath, publicKeyText({ federation: toHex(coordinatorKey), publicKey }))
      const all = [...(await kept()), line].slice(-MOST_LINES)
      await replaceFile(path, all.map((one) => `${one}\n`).join(''))
    },
  }
}
