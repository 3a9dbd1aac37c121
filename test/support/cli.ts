import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Command, CommanderError } from 'commander'
import { expect, vi } from 'vitest'
import { root } from './source-files.ts'

/** The program as it is installed; `npm test` builds it first. */
const main = join(root, 'dist/cli/main.js')

// The built program: its version comes from the package.json beside the build.
export const { createProgram } = (await import(join(root, 'dist/cli/program.js'))) as { createProgram: () => Command }

const { reportUsage } = (await import(join(root, 'dist/cli/output.js'))) as {
  reportUsage: (failure: CommanderError, json: boolean) => number
}

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }
type Event = Readonly<Record<string, unknown>>

/** What tests themselves are told by the environment is no setting of a daemon. */
const ofTests = Object.entries(process.env).filter(([name]) => name.startsWith('PARLEY_'))
const ownEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PARLEY_')))

/** Runs a command of `parley` to its end, in a process of its own. */
export async function parley(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: ownEnvironment() })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** A command in this process, as dist/cli/main.js runs it: a process of its own takes a second to start. */
export async function inProcess(...args: readonly string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text)
      return true
    }),
  )
  const before = process.exitCode
  for (const [name] of ofTests) delete process.env[name]
  try {
    await createProgram().parseAsync(['node', 'parley', ...args])
    return { ...written, code: Number(process.exitCode ?? 0) }
  } catch (failure) {
    if (!(failure instanceof CommanderError)) throw failure
    if (failure.exitCode !== 0 && args.includes('--json')) reportUsage(failure, true)
    return { ...written, code: failure.exitCode === 0 ? 0 : 2 }
  } finally {
    process.exitCode = before
    Object.assign(process.env, Object.fromEntries(ofTests))
    for (const spy of spies) spy.mockRestore()
  }
}

/** The data of a command that went well, with `--json`. */
export async function parleyJson<Data>(...args: readonly string[]): Promise<Data> {
  const { code, stdout, stderr } = await inProcess(...args, '--json')
  if (code !== 0) throw new Error(`parley ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
  expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: '1', status: 'ok', exitCode: 0 })
  return (JSON.parse(stdout) as { data: Data }).data
}

/** A command that goes on until it is told to stop, with the events that it prints. */
export class LongCommand {
  readonly events: Event[] = []
  readonly #child: ChildProcess
  readonly #exited: Promise<number | null>
  readonly #waiting = new Set<() => void>()
  #stderr = ''

  constructor(...args: readonly string[]) {
    const child = spawn(process.execPath, [main, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: ownEnvironment(),
    })
    this.#child = child
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line) as Event)
      this.#wake()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#exited = once(child, 'close').then(([code]) => code as number | null)
    void this.#exited.then(() => this.#wake())
  }

  /** The first event with these members. Fails when the command ends without it. */
  async event(members: Event): Promise<Event> {
    for (;;) {
      const found = this.events.find((event) =>
        Object.entries(members).every(([name, value]) => JSON.stringify(event[name]) === JSON.stringify(value)),
      )
      if (found !== undefined) return found
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`ended without ${JSON.stringify(members)}: ${this.#stderr}`)
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The exit code, once it has ended. */
  get exited(): Promise<number | null> {
    return this.#exited
  }

  /** Ends it, whatever it does. */
  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
    await this.#exited
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
