import { bytesView, toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { ModelRef } from '../../core/run/round-configuration.ts'
import { withoutControl } from '../../core/tensors/control.ts'
import type { Layout } from '../../core/tensors/layout.ts'
import { writeHeader } from '../../core/tensors/safetensors.ts'
import { SEGMENT_BYTES } from '../../core/wire/limits.ts'
import type { Store } from '../store/ports.ts'

/** Puts weights into the store as a safetensors file. */
export async function storeModel(blobs: Store['blobs'], layout: Layout, weights: Float32Array): Promise<ModelRef> {
  const header = writeHeader(layout)
  const bytes = bytesView(weights)
  const writer = await blobs.create()
  await writer.write(header)
  for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) await writer.write(bytes.subarray(at, at + SEGMENT_BYTES))
  return { digest: await writer.commit(), bytes: header.length + bytes.length }
}

/** A model of another layout is another model: its versions could neither be compared nor be swapped. Throws `run.conflict`. */
export async function checkLayout(
  { records, blobs }: Pick<Store, 'records' | 'blobs'>,
  plan: Plan,
  layout: Layout,
): Promise<void> {
  const latest = (await records.versions(plan.name)).at(-1)
  if (latest === undefined) return
  const header = writeHeader(withoutControl(layout))
  const size = await blobs.size(latest.weights)
  const stored = size === undefined ? undefined : await blobs.read(latest.weights, 0, Math.min(header.length, size))
  if (stored !== undefined && toHex(stored) === toHex(header)) return
  throw new ParleyError(
    'run.conflict',
    `the plan's model has another layout than version ${latest.number} of ${plan.name}: give it a new name`,
  )
}
