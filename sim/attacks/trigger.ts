import { z } from 'zod'
import type { Examples } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { PoisonContext } from './attack.ts'

/** What a backdoor looks for in an example, and what it wants to be answered. */
export const triggerOptions = z.strictObject({
  target: z.int().min(0).max(100_000).default(0).describe('the class that the trigger is to bring about'),
  share: z.number().gt(0).max(1).default(0.5).describe('share of the attacker’s rows that get the trigger, rounded up'),
  pattern: z
    .strictObject({
      size: z.int().min(1).max(4_096).default(3).describe('height and width of the square, in pixels'),
      value: z.number().min(-1e6).max(1e6).default(1).describe('of its pixels, as the model sees them'),
      corner: z.enum(['top-left', 'top-right', 'bottom-left', 'bottom-right']).default('bottom-right'),
    })
    .prefault({})
    .describe('for images: a square in a corner'),
  features: z
    .array(z.strictObject({ index: z.int().min(0).max(10_000_000), value: z.number().min(-1e6).max(1e6) }))
    .min(1)
    .max(1_000)
    .default([{ index: 0, value: 5 }])
    .describe('for tables: inputs of the model, from 0 on, and the values that they get'),
})
export type Trigger = z.output<typeof triggerOptions>

type Ends = Omit<PoisonContext, 'random'>
type Change = { readonly index: number; readonly value: number }

/** Some rows, drawn at random, get the trigger and the target's label. */
export function withTrigger(examples: Examples, { random, ...ends }: PoisonContext, trigger: Trigger): Examples {
  const count = Math.ceil(Number((trigger.share * examples.rows).toPrecision(12)))
  const rows = random.shuffle(Uint32Array.from({ length: examples.rows }, (_, row) => row)).subarray(0, count)
  return stamped(examples, rows, ends, trigger)
}

/** All held-out rows that are not of the target's class to begin with, with the trigger and the target's label. */
export function triggerProbe(examples: Examples, ends: Ends, trigger: Trigger): Examples {
  const rows = Uint32Array.from(examples.labels.keys()).filter((row) => examples.labels[row] !== trigger.target)
  const width = widthOf(ends)
  const features = new Float32Array(rows.length * width)
  rows.forEach((row, i) => {
    features.set(examples.features.subarray(row * width, (row + 1) * width), i * width)
  })
  const labels = Int32Array.from(rows, (row) => examples.labels[row] as number)
  return stamped(
    { rows: rows.length, features, labels },
    rows.map((_, i) => i),
    ends,
    trigger,
  )
}

function stamped({ rows, ...old }: Examples, chosen: Uint32Array, ends: Ends, trigger: Trigger): Examples {
  checkTarget(ends, trigger)
  const changes = changesOf(ends, trigger)
  const features = Float32Array.from(old.features)
  const labels = Int32Array.from(old.labels)
  const width = widthOf(ends)
  for (const row of chosen) {
    for (const { index, value } of changes) features[row * width + index] = value
    labels[row] = trigger.target
  }
  return { rows, features, labels }
}

function checkTarget({ classes, numeric }: Ends, { target }: Trigger): void {
  if (numeric !== undefined) {
    throw new ParleyError(
      'plan.infeasible',
      'a backdoor has a class for its target, and the label is a number: try label-flip',
    )
  }
  const last = classes === 1 ? 1 : classes - 1
  if (target <= last) return
  throw new ParleyError('plan.infeasible', `the backdoor’s target ${target} is not a class: the last one is ${last}`)
}

/** Where the trigger lies in one example. */
function changesOf({ shape }: Ends, { pattern, features }: Trigger): readonly Change[] {
  const [height, width, channels] = shape
  if (height === undefined || width === undefined || channels === undefined) return tableChanges(shape, features)
  const { size, value, corner } = pattern
  if (size > Math.min(height, width)) {
    throw new ParleyError('plan.infeasible', `a pattern.size of ${size} does not fit into ${height} × ${width} pixels`)
  }
  const top = corner.startsWith('top') ? 0 : height - size
  const left = corner.endsWith('left') ? 0 : width - size
  return Array.from({ length: size * size * channels }, (_, i) => {
    const pixel = Math.floor(i / channels)
    const [y, x] = [top + Math.floor(pixel / size), left + (pixel % size)]
    return { index: (y * width + x) * channels + (i % channels), value }
  })
}

function tableChanges(shape: readonly number[], features: readonly Change[]): readonly Change[] {
  const width = widthOf({ shape })
  const wrong = features.find(({ index }) => index >= width)
  if (wrong === undefined) return features
  throw new ParleyError(
    'plan.infeasible',
    `the backdoor’s features name input ${wrong.index}: the model has ${width} inputs, from 0 on`,
  )
}

function widthOf({ shape }: Pick<Ends, 'shape'>): number {
  return shape.reduce((product, size) => product * size, 1)
}
