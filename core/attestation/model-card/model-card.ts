import { inline, oneLine } from './escape.ts'
import { frontMatter } from './front-matter.ts'
import { type CardInput, type CardResult, checkComplete } from './input.ts'
import { errorHistogram } from './plot/errors.ts'
import { intervalBars } from './plot/interval-bars.ts'
import { learningCurve } from './plot/learning-curve.ts'
import { reliabilityCurve, rocCurve } from './plot/scores.ts'
import {
  closing,
  data,
  deviations,
  type Picture,
  privacy,
  prose,
  results,
  robustness,
  training,
  use,
  version,
} from './sections.ts'

export type ModelCard = {
  /** The text of `README.md`. */
  readonly readme: string
  /** Files beside it, by their paths in the folder, which the text refers to. */
  readonly plots: ReadonlyMap<string, string>
}

type Plot = Picture & { readonly svg: string }

/**
 * The model card: YAML front matter and Markdown, with its plots. Whatever came from outside stays text in all of them, and
 * equal facts give equal bytes. Throws `request.invalid` with everything that is missing.
 */
export function modelCard(input: CardInput): ModelCard {
  checkComplete(input)
  const plots = plotsOf(input)
  const sections = [
    ...deviations(input),
    ...use(input),
    version(input),
    data(input),
    training(input),
    privacy(input),
    robustness(input),
    results(input, plots),
    ...closing(input),
  ]
  const body = [
    `# ${inline(input.model)}, version ${input.number}`,
    '',
    ...prose(input.author.summary),
    ...sections.flatMap(({ title, lines }) => ['', `## ${title}`, '', ...lines]),
  ]
  return {
    readme: `---\n${frontMatter(input)}---\n\n${body.join('\n')}\n`,
    plots: new Map(plots.map(({ path, svg }) => [path, svg])),
  }
}

function plotsOf({ learningCurve: curve, scores, errors, sites, subgroups }: CardInput): Plot[] {
  const plots: Plot[] = []
  const add = (name: string, words: string, svg: string) => plots.push({ path: `plots/${name}.svg`, words, svg })
  if (curve !== undefined) add('learning-curve', `${curve.metric} by round`, learningCurve(curve))
  if (scores !== undefined) {
    add('roc', 'ROC curve', rocCurve(scores))
    add('calibration', 'Calibration', reliabilityCurve(scores))
  }
  if (errors !== undefined) add('errors', 'Absolute errors', errorHistogram(errors))
  bars('site', sites, add)
  bars('subgroup', subgroups, add)
  return plots
}

/** One plot for each metric. Files are numbered: a metric's name may be anything, and a file's name may not. */
function bars(kind: string, all: readonly CardResult[], add: (name: string, words: string, svg: string) => void): void {
  const metrics = [...new Set(all.map(({ metric }) => metric))]
  metrics.forEach((metric, i) => {
    const title = `${oneLine(metric)} by ${kind}`
    const svg = intervalBars({ title, metric: oneLine(metric), bars: all.filter((one) => one.metric === metric) })
    add(`by-${kind}-${i + 1}`, title, svg)
  })
}
