/** Clients a second of the simulator when nobody trains: what the protocol and the round machine cost. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export type SimNoopResult = {
  readonly clientsPerSecond: number
  /** From the start of the process to its first round. */
  readonly startMs: number
  readonly rssMiB: number
}

/** In a process of its own, so that its start and its memory are the simulation's. */
export async function benchSimNoop(): Promise<SimNoopResult> {
  const script = fileURLToPath(new URL('./sim-noop-process.js', import.meta.url))
  const began = performance.now()
  const child = spawn(process.execPath, [...process.execArgv, script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let startMs = 0
  let result: Omit<SimNoopResult, 'startMs'> | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const message = JSON.parse(line) as { readonly ready?: true } & Omit<SimNoopResult, 'startMs'>
    if (message.ready === true) startMs = Math.round(performance.now() - began)
    else result = message
  }
  if (result === undefined) throw new Error('the simulation gave no result')
  return { ...result, startMs }
}
