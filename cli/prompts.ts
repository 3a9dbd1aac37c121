import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { ParleyError } from '../core/errors/index.ts'
import { readText } from './options.ts'

/** What somebody types, on standard error; not shown where it is a secret. Throws `request.invalid` without a terminal, and names `flag`. */
export async function ask(question: string, flag: string, { secret = false } = {}): Promise<string> {
  const { stdin, stdout, stderr } = process
  if (stdin.isTTY !== true || stdout.isTTY !== true) {
    throw new ParleyError('request.invalid', `${question}: nobody can be asked here; pass ${flag}`)
  }
  stderr.write(`${question}: `)
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: secret ? hidden : stderr, terminal: true })
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      lines.once('close', () => reject(new ParleyError('interrupted')))
      lines.once('SIGINT', () => reject(new ParleyError('interrupted')))
    })
  } finally {
    lines.close()
    if (secret) stderr.write('\n')
  }
}

/** A secret from a file, without the end of its line, or from a prompt; never from an argument, which others can see. */
export async function secretFrom(file: string | undefined, question: string, flag: string): Promise<string> {
  if (file === undefined) return ask(question, flag, { secret: true })
  return (await readText(file)).replace(/\r?\n$/, '')
}
