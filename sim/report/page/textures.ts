import { Markup, markup } from './markup.ts'

/** Surfaces that can be told apart: eight colours, every second one hatched; then the same colours in other textures. */
export const SURFACES = 16

const HATCHES = ['M-2 2l4-4M0 8l8-8M6 10l4-4', 'M-2 6l4 4M0 0l8 8M6-2l4 4', 'M2 2h.01M6 6h.01'] as const

/** Hatch of a surface; undefined where it is plain. */
function hatchOf(surface: number): string | undefined {
  if (surface >= 8) return HATCHES[1 + (surface % 2)]
  return surface % 2 === 1 ? HATCHES[0] : undefined
}

/** The patterns that surfaces are filled with, once for the whole document. */
export const textures: Markup = markup`<svg class="defs" width="0" height="0" aria-hidden="true"><defs>${Array.from(
  { length: SURFACES },
  (_, surface) => {
    const hatch = hatchOf(surface)
    return hatch === undefined
      ? undefined
      : markup`<pattern id="f${surface}" width="8" height="8" patternUnits="userSpaceOnUse"><rect class="s${surface % 8} fill" width="8" height="8"/><path class="hatch" d="${hatch}"/></pattern>`
  },
)}</defs></svg>`

/** The rules that fill them. */
export const surfaceRules = new Markup(
  Array.from({ length: SURFACES }, (_, surface) => {
    const fill = hatchOf(surface) === undefined ? `var(--s${surface % 8})` : `url(#f${surface})`
    return `.f${surface}{fill:${fill}}`
  }).join('\n'),
)
