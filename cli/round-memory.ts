import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { RoundMemory } from '../client/index.ts'
import { ParleyError } from '../core/errors/index.ts'
import { replaceFile } from './home.ts'

const schema = z.record(z.string(), z.number().int().min(0))

/** A client's memory of the rounds it has begun, in a small file. Throws `config.invalid` when the file is damaged. */
export async function fileRoundMemory(path: string): Promise<RoundMemory> {
  const text = await readFile(path, 'utf8').catch(() => '{}')
  const rounds = new Map(Object.entries(parse(text, path)))
  return {
    last: async (run) => rounds.get(run),
    remember: async (run, round) => {
      rounds.set(run, round)
      await replaceFile(path, `${JSON.stringify(Object.fromEntries(rounds))}\n`)
    },
  }
}

function parse(text: string, path: string): Record<string, number> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new ParleyError('config.invalid', `${path} is damaged`, { cause })
  }
}
