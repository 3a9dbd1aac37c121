import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { askPython } from './python.ts'

// The sources lie beside the build's folder.
const folder = fileURLToPath(new URL('../../bench/peers/', import.meta.url))

export type PeerRequest = {
  readonly n: number
  readonly d: number
  readonly peers: readonly { readonly name: string; readonly f: number }[]
}
export type PeerTime = { readonly name: string; readonly n: number; readonly d: number; readonly ms: number }

/** Times the numpy peers through `python3`; a reason where that is not possible. */
export async function timeNumpy(
  cases: readonly PeerRequest[],
  repeats: number,
): Promise<
  | { readonly peers: readonly PeerTime[]; readonly numpy: string; readonly scipy: boolean }
  | { readonly skipped: string }
> {
  const answer = await askPython([join(folder, 'aggregation.py')], JSON.stringify({ cases, repeats }))
  return typeof answer === 'string' ? JSON.parse(answer) : { skipped: `python3 with numpy: ${answer.failed}` }
}

/** Times the plain C loop of the mean, built with `cc -O3`; a reason where there is no compiler. */
export async function timeC(n: number, d: number, repeats: number): Promise<number | { readonly skipped: string }> {
  const run = promisify(execFile)
  const built = await mkdtemp(join(tmpdir(), 'parley-peer-'))
  try {
    const program = join(built, 'mean')
    await run('cc', ['-O3', '-march=native', '-o', program, join(folder, 'mean.c')])
    const { stdout } = await run(program, [n, d, repeats].map(String))
    return Number(stdout.split(' ')[0])
  } catch (failure) {
    return { skipped: `cc: ${failure instanceof Error ? failure.message.split('\n')[0] : failure}` }
  } finally {
    await rm(built, { recursive: true, force: true })
  }
}
