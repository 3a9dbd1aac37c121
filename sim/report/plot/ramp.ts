import { type Markup, markup } from '../page/markup.ts'
import { BINS, type ColourScale } from './bins.ts'

/** The scale of a heatmap's colours, with what its ends and its middle stand for. */
export function ramp(scale: ColourScale, name: string, written: (value: number) => string): Markup {
  const [from, to] = scale.domain
  const steps = Array.from(
    { length: BINS },
    (_, bin) => markup`<rect class="${scale.kind}${bin}" x="${bin * 18}" width="18" height="10"/>`,
  )
  const ends = to > from ? [from, (from + to) / 2, to] : [to]
  const labels = ends.map((value, i) => {
    const anchor = i === 0 ? 'start' : i === ends.length - 1 ? 'end' : 'middle'
    const share = ends.length === 1 ? 0 : i / (ends.length - 1)
    return markup`<text class="axis ${anchor}" x="${share * BINS * 18}" y="23">${written(value)}</text>`
  })
  return markup`<div class="ramp"><span>${name}</span><svg class="plot" width="${BINS * 18}" height="26" viewBox="0 0 ${BINS * 18} 26" role="img"><title>${name}: from ${written(from)} to ${written(to)}</title>${steps}${labels}</svg></div>`
}
