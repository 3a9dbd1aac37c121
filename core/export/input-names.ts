import type { LabelRange } from '../metrics/counts.ts'
import { type Cell, dataEnds, featureColumns, type Inputs } from '../plan/data.ts'

/** One input of a model: a number of a table, or whether a column has this category, or a pixel. */
export type InputName = { readonly name: string; readonly category?: Cell }

/** The inputs in the order in which the model takes them. Pixels are `pixel[row,column,channel]`, from 0. */
export function inputNames(data: Inputs): readonly InputName[] {
  if ('csv' in data) {
    return featureColumns(data.csv).flatMap((column): InputName[] => {
      const { name } = column
      if (column.type === 'number') return [{ name }]
      return column.values.slice(column.dropFirst ? 1 : 0).map((category) => ({ name, category }))
    })
  }
  const [height = 1, width = 1, channels = 1] = dataEnds(data).shape
  const pixels: InputName[] = []
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let channel = 0; channel < channels; channel++) pixels.push({ name: `pixel[${row},${column},${channel}]` })
    }
  }
  return pixels
}

/** What the outputs of a model are probabilities of, or of which range they are shares. */
export type OutputNames =
  | { readonly positive: { readonly above: number } | { readonly values: readonly Cell[] } }
  | { readonly classes: readonly Cell[] }
  | { readonly numeric: LabelRange }

export function outputNames(data: Inputs): OutputNames {
  if ('idx' in data) return { classes: Array.from({ length: data.idx.classes }, (_, label) => label) }
  const { label } = data.csv
  if ('numeric' in label) return { numeric: label.numeric }
  return 'classes' in label ? { classes: label.classes } : { positive: label.positive }
}
