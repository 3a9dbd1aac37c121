import { fileURLToPath } from 'node:url'
import { askPython } from './python.ts'

// The sources lie beside the build's folder.
const script = fileURLToPath(new URL('../../bench/peers/train.py', import.meta.url))

/** `model`: a name that the script knows. */
export type TorchCase = { readonly model: string; readonly batch: number }

/** Of a training step, by the clock and of processors. */
export type TorchTime = { readonly msPerStep: number; readonly cpuMsPerStep: number }

/** A training step in PyTorch on one thread for each case; a reason where there is none. */
export async function timeTorch(
  cases: readonly TorchCase[],
): Promise<{ readonly cases: readonly TorchTime[] } | { readonly skipped: string }> {
  const answer = await askPython([script], JSON.stringify({ cases }))
  return typeof answer === 'string' ? JSON.parse(answer) : { skipped: `python3 with torch: ${answer.failed}` }
}
