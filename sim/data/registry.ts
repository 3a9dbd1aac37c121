import type { z } from 'zod'
import { nameAndOptions, namedOf } from '../../core/plan/named.ts'
import { randomOf } from '../../core/random/random.ts'
import type { Generated, Generator } from './generator.ts'
import { blobs } from './generators/blobs.ts'
import { images } from './generators/images.ts'
import { linear } from './generators/linear.ts'
import { slice } from './slice.ts'
import type { WorldData } from './world.ts'

/** Every generator by its name in a scenario. */
export const generators = { blobs, linear, images } as const
export type GeneratorName = keyof typeof generators

/** `{ blobs: { rows: 500 } }`, or a name alone. */
export const generatorSchema = namedOf(generators)
export type NamedGenerator = z.output<typeof generatorSchema>

/** The data set of a seed (a safe integer from 0 on). */
export function generate(named: NamedGenerator, seed: number): Generated {
  const [name, options] = nameAndOptions<GeneratorName>(named)
  // The schema has matched the options to the name.
  const generator = generators[name] as Generator<unknown>
  return generator.generate(options, randomOf(seed, `data/${name}`))
}

/** The same with its last ⌈share · rows⌉ rows held out. The rows are in random order already. */
export function generateWorld(named: NamedGenerator, seed: number, testShare = 0.2): WorldData {
  const { shape, classes, numeric, ...examples } = generate(named, seed)
  const tests = Math.min(examples.rows - 1, Math.ceil(Number((testShare * examples.rows).toPrecision(12))))
  const rows = Uint32Array.from({ length: examples.rows }, (_, row) => row)
  const border = examples.rows - tests
  return {
    shape,
    classes,
    ...(numeric === undefined ? {} : { numeric }),
    train: slice(examples, rows.subarray(0, border)),
    test: slice(examples, rows.subarray(border)),
  }
}
