import { ParleyError } from '../errors/index.ts'
import { compareCodePoints, type Layout } from './layout.ts'

/**
 * Control variates (SCAFFOLD) travel as tensors of the model: for every tensor `t` one more of the same shape under
 * `~control/t`. The sign `~` comes after all ASCII letters, so the flat vector is [w | c]: weights first, controls after them.
 */
const RESERVED = '~'
const CONTROL = `${RESERVED}control/`

/** Throws `engine.model-unsupported` when a tensor has a name that is kept for what travels beside a model. */
export function checkModelNames(layout: Layout): void {
  refuseNames(layout, (name) => name.startsWith(RESERVED))
}

/** The layout of a model with its control variates: twice as long. Throws `engine.model-unsupported`. */
export function withControl(layout: Layout): Layout {
  // Names from beyond ASCII would come between the controls, and the two halves would not be halves.
  refuseNames(layout, (name) => compareCodePoints(name, RESERVED) >= 0)
  return [...layout, ...layout.map(({ name, shape }) => ({ name: `${CONTROL}${name}`, shape }))]
}

/** The layout of the model alone; a layout without control variates stays as it is. */
export function withoutControl(layout: Layout): Layout {
  return layout.filter(({ name }) => !name.startsWith(CONTROL))
}

/** The tensor of the model that a tensor of a layout is, or is the control variate of. */
export function modelTensorName(name: string): string {
  return name.startsWith(CONTROL) ? name.slice(CONTROL.length) : name
}

export function hasControl(layout: Layout): boolean {
  return layout.some(({ name }) => name.startsWith(CONTROL))
}

function refuseNames(layout: Layout, refused: (name: string) => boolean): void {
  const wrong = layout.find(({ name }) => refused(name))
  if (wrong === undefined) return
  const name = JSON.stringify(wrong.name.slice(0, 100))
  throw new ParleyError(
    'engine.model-unsupported',
    `the tensor ${name} cannot have this name: ~ and what comes after it are kept for what travels beside a model`,
  )
}
