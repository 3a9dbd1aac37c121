import type { PrivacyLedger } from '../client/index.ts'
import { ParleyError } from '../core/errors/index.ts'
import { type Budget, emptyLedger, type Ledger, parseLedger } from '../core/privacy/index.ts'
import { parseJson, replaceFile } from './home.ts'
import { existing } from './secret-files.ts'

/** δ at which ε is told where no other is named. */
export const USUAL_DELTA = 1e-5

/** What a client has spent in its life, from its file; nothing when there is none. Throws where it is not a ledger. */
export async function readLedger(path: string): Promise<Ledger> {
  const text = await existing(path)
  if (text === undefined) return emptyLedger
  try {
    return parseLedger(parseJson(text, path))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : ''
    // Whoever goes on with an empty one forgets what was spent.
    throw new ParleyError('config.invalid', `${path} is damaged: ${why}; restore it from a copy`, { cause })
  }
}

/** A client's ledger in a file, read once: what is lost of the file while it runs is written again with the next round. */
export async function fileLedger(path: string, budget: Budget): Promise<PrivacyLedger> {
  let ledger = await readLedger(path)
  return {
    budget,
    read: async () => ledger,
    write: async (next) => {
      await replaceFile(path, `${JSON.stringify(next)}\n`)
      ledger = next
    },
  }
}

/** Without an ε of its own, a client counts, and refuses nothing. */
export function budgetOf(epsilon: number | undefined, delta = USUAL_DELTA): Budget {
  return { epsilon: epsilon ?? Number.MAX_VALUE, delta }
}
