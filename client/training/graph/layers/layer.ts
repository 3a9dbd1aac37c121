import type { Start, StartingTensor } from '../../starting-tensor.ts'
import { unsupported } from '../../tfjs/topology-check.ts'
import type { Applied } from '../builder.ts'
import type { Pair, Shape } from '../graph.ts'
import { BeyondReach } from '../reach.ts'
import { type Padding, shownShape } from '../shapes.ts'

/** A layer of a topology at one of its calls. */
export type Layer = {
  /** As a person wrote it. */
  readonly name: string
  readonly className: string
  /** Keys and words in camel case, as TF.js reads them; see `camelCased`. */
  readonly config: Readonly<Record<string, unknown>>
  /** What the names of its tensors begin with: `dense_1`. */
  readonly prefix: string
  readonly inputs: readonly Shape[]
}

/** Fails with `engine.model-unsupported` for a layer that is wrong, and with `BeyondReach` for one that no graph can say. */
export type ReadLayer = (layer: Layer) => Applied

/** TF.js takes both spellings of each key, `use_bias` and `useBias`, and of words; of two the later one counts. */
export function camelCased(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      camelCase(key),
      typeof value === 'string' && key !== 'name' ? camelCase(value) : value,
    ]),
  )
}

function camelCase(text: string): string {
  return text.replace(/_+(\w|$)/g, (_, letter: string) => letter.toUpperCase())
}

export function beyond({ name }: Layer, what: string): BeyondReach {
  return new BeyondReach(`the layer ${name} ${what}`)
}

/** An error that says what the layer was given. */
export function misfit({ name, className, inputs }: Layer, why: string): Error {
  return unsupported(
    `the layer ${name} (${className}) does not fit its input of ${inputs.map(shownShape).join(' and ')}: ${why}`,
  )
}

/** What the configuration says under a key in snake case; null is undefined. */
export function setting({ config }: Pick<Layer, 'config'>, key: string): unknown {
  return config[camelCase(key)] ?? undefined
}

export function onlyInput(layer: Layer): Shape {
  const [input] = layer.inputs
  if (input === undefined || layer.inputs.length !== 1) throw unsupported(`the layer ${layer.name} takes one input`)
  return input
}

/** The only input, of so many axes. */
export function inputOfRank<Axes extends readonly number[]>(layer: Layer, rank: Axes['length']): Axes {
  const input = onlyInput(layer)
  if (input.length !== rank) throw misfit(layer, `it needs ${rank} axes`)
  return input as unknown as Axes
}

export function lastAxis(layer: Layer): number {
  const size = onlyInput(layer).at(-1)
  if (size === undefined) throw misfit(layer, 'it needs an axis')
  return size
}

/** A whole number from 1 on. */
export function whole(layer: Layer, key: string, otherwise?: number): number {
  const value = setting(layer, key) ?? otherwise
  if (!isWhole(value)) throw wrong(layer, key, 'a whole number from 1 on')
  return value
}

/** One whole number for each of so many axes, or one for all of them. */
export function wholes(layer: Layer, key: string, axes: 1, otherwise?: readonly [number]): readonly [number]
export function wholes(layer: Layer, key: string, axes: 2, otherwise?: Pair): Pair
export function wholes(layer: Layer, key: string, axes: 1 | 2, otherwise?: readonly number[]): readonly number[] {
  const value = setting(layer, key) ?? otherwise
  const values: readonly unknown[] = Array.isArray(value) ? value : Array.from({ length: axes }, () => value)
  if (values.length === axes && values.every(isWhole)) return values
  throw wrong(layer, key, axes === 1 ? 'a whole number from 1 on' : 'one or two whole numbers from 1 on')
}

export function flag(layer: Layer, key: string, otherwise: boolean): boolean {
  const value = setting(layer, key) ?? otherwise
  if (typeof value !== 'boolean') throw wrong(layer, key, 'true or false')
  return value
}

export function paddingOf(layer: Layer): Padding {
  const value = setting(layer, 'padding') ?? 'valid'
  if (value === 'same' || value === 'valid') return value
  throw beyond(layer, `has the padding ${String(value)}`)
}

/** Throws unless the channels are the last axis. */
export function needChannelsLast(layer: Layer): void {
  const format = setting(layer, 'data_format') ?? 'channelsLast'
  if (format !== 'channelsLast') throw beyond(layer, `has its channels not in the last axis`)
}

/** A tensor of the layer: `dense_1/kernel`. */
export function weight({ prefix }: Layer, name: string, shape: Shape, start: Start): StartingTensor {
  return { name: `${prefix}/${name}`, shape, start }
}

export function wrong({ name }: Layer, key: string, must: string): Error {
  return unsupported(`${key} of the layer ${name} must be ${must}`)
}

export function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
}
