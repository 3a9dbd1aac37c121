import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export type ClientProcess = {
  readonly name: string
  /** Ends the process, kindly first; resolves when it is gone. */
  stop(): Promise<void>
}

/** A client in a process of its own, started as anyone would: `parley client …`. Its events go to `onEvent`. */
export function startClientProcess(
  name: string,
  args: readonly string[],
  onEvent: (event: Readonly<Record<string, unknown>>) => void,
): ClientProcess {
  const child: ChildProcess = spawn(
    process.execPath,
    [...process.execArgv, process.argv[1] ?? '', 'client', '--json', ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], env: withoutSettings(process.env) },
  )
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      onEvent(JSON.parse(line) as Readonly<Record<string, unknown>>)
    })
  }
  return {
    name,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await exited
      clearTimeout(timer)
    },
  }
}

/** What the environment says of somebody's own client is none of the demonstration's business. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('PARLEY_')))
}
