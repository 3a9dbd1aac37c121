import { stringify } from 'yaml'
import { oneLine } from './escape.ts'
import type { CardGate, CardInput, CardResult } from './input.ts'

/**
 * The YAML of a Hugging Face model card (huggingface/hub-docs, `modelcard.md`), without the lines around it. Every string
 * stands on one line in double quotes: neither YAML 1.1 nor 1.2 can take it for anything else.
 */
export function frontMatter(input: CardInput): string {
  const { author, gates, sites, subgroups } = input
  const { license } = author
  const metrics = [...new Set([...gates, ...sites, ...subgroups].map(({ metric }) => oneLine(metric)))].sort()
  const value = {
    language: texts(author.language),
    license: license === undefined ? undefined : oneLine(license.id),
    license_name: license?.name === undefined ? undefined : oneLine(license.name),
    license_link: license?.link === undefined ? undefined : oneLine(license.link),
    library_name: 'parley',
    tags: [...new Set(['federated-learning', ...(texts(author.tags) ?? [])])],
    datasets: texts(author.datasets),
    metrics,
    base_model: input.baseModel === undefined ? undefined : oneLine(input.baseModel),
    'model-index': [{ name: oneLine(input.model), results: resultsOf(input) }],
  }
  const present = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined))
  return stringify(present, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 })
}

type MetricEntry = { type: string; value: number; name: string }

/** Private sites have no public dataset: they go as `private`, by their pseudonym. */
function resultsOf({ author, gates, sites }: CardInput): object[] {
  const { task = { type: 'other', name: 'other' } } = author
  const result = (name: string, metrics: readonly MetricEntry[]) => ({
    task: { type: oneLine(task.type), name: oneLine(task.name) },
    dataset: { type: 'private', name },
    metrics,
  })
  const pooled = gates.flatMap((gate) => metricOf(gate, `${oneLine(gate.metric)} (gate ${oneLine(gate.gate)})`))
  const bySite = [...new Set(sites.map(({ name }) => name))].map((name) => {
    const own = sites.filter((site) => site.name === name).flatMap((site) => metricOf(site, oneLine(site.metric)))
    return { name: `${oneLine(name)} (pseudonym)`, own }
  })
  return [
    ...(pooled.length === 0 ? [] : [result('held-out rows of the federation', pooled)]),
    ...bySite.filter(({ own }) => own.length > 0).map(({ name, own }) => result(name, own)),
  ]
}

function metricOf({ metric, value }: CardGate | CardResult, name: string): MetricEntry[] {
  if (value === null || !Number.isFinite(value)) return []
  // Six decimals are never written with an exponent, which YAML 1.1 reads as a text.
  return [{ type: oneLine(metric), value: Number(value.toFixed(6)) || 0, name }]
}

function texts(values: readonly string[] | undefined): string[] | undefined {
  const lines = values?.map(oneLine).filter((line) => line !== '')
  return lines === undefined || lines.length === 0 ? undefined : lines
}
