/** A page of the documentation as somebody follows it who types what stands there, and nothing else. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inProcess, LongCommand } from './cli.ts'
import { root } from './source-files.ts'

export type Block = {
  readonly language: string
  /** What stands behind the language: whose block it is, whether it stays, or the file that it is. */
  readonly words: readonly string[]
  readonly text: string
}

/** The blocks of code between two headings of a page; the last heading may be the end. */
export async function blocksOf(page: string, from: string, to?: string): Promise<Block[]> {
  const whole = await readFile(join(root, page), 'utf8')
  const begin = whole.indexOf(from)
  const end = to === undefined ? whole.length : whole.indexOf(to)
  if (begin < 0 || end < begin) throw new Error(`${page} has no ${from}, or no ${to} behind it`)
  return [...whole.slice(begin, end).matchAll(/^```(\S+)(.*)\n([\s\S]*?)^```$/gm)].map(([, language, words, text]) => ({
    language: language!,
    words: words!.trim().split(/\s+/).filter(Boolean),
    text: text!,
  }))
}

/** What later commands need of the output of earlier ones, by the word that stands for it on the page. */
const printed: Readonly<Record<string, RegExp>> = {
  KEY: /key of the coordinator\s+([0-9a-f]{64})/,
  CODE: /(parley1-[\w-]+)/,
  FINGERPRINT: /fingerprint of this client: (\S+)/,
  'SITE-KEY': /^([0-9a-f]{64})$/m,
  DIGEST: /(?:digest |^)([0-9a-f]{16,64})\b(?= {2}heart-disease|$)/m,
  RUN: /started (run_\w+)/,
  PASSWORD: /^password: (\S+)$/m,
}

/** Commands that ask a coordinator, which is on a port of its own here. */
const remote = /^(invite|client (approve|list|revoke)|run|model|request|token|audit export) /

/** Somebody at the keyboard, in a folder of their own. */
export class Walker {
  readonly #folder: string
  readonly #known = new Map<string, string>()
  readonly #stays: LongCommand[] = []
  #url = ''

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Where its coordinator answers. */
  get url(): string {
    return this.#url
  }

  /** What was read elsewhere. */
  learns(word: string, value: string): void {
    this.#known.set(word, value)
  }

  knows(word: string): string {
    const value = this.#known.get(word)
    if (value === undefined) throw new Error(`nothing has printed ${word} yet`)
    return value
  }

  /** Does what a block says, with other names in the place of those on the page. Resolves with what was printed. */
  async follow({ language, words, text }: Block, instead: Readonly<Record<string, string>> = {}): Promise<string> {
    const swap = (line: string) =>
      Object.entries(instead).reduce((swapped, [name, other]) => swapped.replaceAll(name, other), line)
    if (language !== 'sh') {
      const file = words.find((word) => word.includes('/')) ?? ''
      await writeFile(this.#placed(swap(file)), this.#filled(swap(text)))
      return ''
    }
    let output = ''
    for (const line of swap(text).trim().split('\n')) {
      output += await this.#type(this.#placed(this.#filled(line)), words.includes('stays'))
    }
    return output
  }

  async end(): Promise<void> {
    for (const one of this.#stays.reverse()) await one.end()
  }

  async #type(line: string, stays: boolean): Promise<string> {
    const [npx, parley, ...rest] = wordsOf(line)
    if (npx !== 'npx' || parley !== 'parley') {
      const { stdout } = await promisify(execFile)('bash', ['-ec', line], { cwd: root })
      return stdout
    }
    if (stays) return this.#start(rest)
    const url = remote.test(`${rest.join(' ')} `) ? ['--url', this.#url] : []
    const { code, stdout, stderr } = await inProcess(...rest, ...url)
    if (code !== 0) throw new Error(`${line} ended with ${code}:\n${stdout}${stderr}`)
    for (const [word, pattern] of Object.entries(printed)) {
      const found = pattern.exec(stdout + stderr)?.[1]
      if (found !== undefined) this.#known.set(word, found)
    }
    return stdout + stderr
  }

  async #start(rest: readonly string[]): Promise<string> {
    const coordinator = rest[0] === 'coordinator'
    const one = new LongCommand(...rest, ...(coordinator ? ['--http-port', '0', '--grpc-port', '0'] : []))
    this.#stays.push(one)
    const begun = await one.event(coordinator ? { event: 'listening' } : { type: 'connected' })
    if (coordinator) {
      this.#url = String(begun.http)
      this.#known.set('AUDIT-KEY', String(begun.auditKey))
    }
    return ''
  }

  #filled(text: string): string {
    return text.replace(/\b(AUDIT-KEY|SITE-KEY|KEY|CODE|FINGERPRINT|DIGEST|RUN)\b/g, (word) => this.knows(word))
  }

  #placed(text: string): string {
    return text.replaceAll('federation/', `${this.#folder}/federation/`)
  }
}

/** A line as a shell takes it apart: words, and what stands in quotes. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}
