import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, parseDocument } from 'yaml'
import { createTrainer, type Dataset, heartFiles, initialModel, loadDataset, poolDatasets } from '../client/index.ts'
import { metricsOf } from '../core/metrics/compute.ts'
import { type Data, dataSchema } from '../core/plan/data.ts'
import { type Model, modelSchema } from '../core/plan/model.ts'
import { trainingSchema } from '../core/plan/training.ts'

/**
 * The half of the heart disease benchmark that needs no federation: what training on all rows in one place reaches, and
 * what each hospital reaches alone. Both are evaluated on the pooled test rows, each scaled with the training statistics
 * of its own hospital, which are the rows that the federation is evaluated on.
 */
export type Score = { readonly accuracy: number; readonly auc: number }
export type NamedScore = Score & { readonly name: string }

/** As FLamby trains its pooled and local baselines (Terrail et al., NeurIPS 2022, Fed-Heart-Disease). */
const baseline = trainingSchema.parse({ epochs: 50, batch: 4, optimizer: { adam: { learningRate: 0.001 } } })

/** The example's plan. */
const PLAN = 'plan.yaml'

/** Model and data sections of the example's plan, with the split of a seed. */
export async function heartSections(seed: number, file = PLAN): Promise<{ model: Model; data: Data }> {
  // Run from the sources or from dist: the example stands next to `bench` or one level above it.
  const plan: unknown = parse(await readExample(file))
  const { model, data } = plan as { model: unknown; data: { split: object } }
  return {
    model: modelSchema.parse(model),
    data: dataSchema.parse({ ...data, split: { ...data.split, seed } }),
  }
}

/** The example's plan as a text, with a seed in its training and its split. */
export async function heartPlan(seed: number, file = PLAN): Promise<string> {
  const document = parseDocument(await readExample(file))
  document.set('seed', seed)
  document.setIn(['data', 'split', 'seed'], seed)
  return String(document)
}

/** The hospitals of a folder with the four UCI files, split by `seed`. */
export async function loadHospitals(
  dir: string,
  seed: number,
  file = PLAN,
): Promise<{ name: string; dataset: Dataset }[]> {
  const { data } = await heartSections(seed, file)
  return await Promise.all(
    heartFiles.map(async ({ name, file }) => ({ name, dataset: await loadDataset(data, { csv: join(dir, file) }) })),
  )
}

/** Trains one model on the training rows of all hospitals. */
export async function trainPooled(dir: string, seed: number): Promise<Score> {
  const hospitals = await loadHospitals(dir, seed)
  return await trained(poolDatasets(hospitals.map(({ dataset }) => dataset)), seed)
}

/** Trains one model for each hospital on its own training rows; all are evaluated on the pooled test rows. */
export async function trainAlone(dir: string, seed: number): Promise<NamedScore[]> {
  const hospitals = await loadHospitals(dir, seed)
  const { test } = poolDatasets(hospitals.map(({ dataset }) => dataset))
  const scores: NamedScore[] = []
  for (const { name, dataset } of hospitals) scores.push({ name, ...(await trained({ ...dataset, test }, seed)) })
  return scores
}

async function trained(dataset: Dataset, seed: number): Promise<Score> {
  const { model, data } = await heartSections(seed)
  const { signal } = new AbortController()
  const trainer = await createTrainer({ model, dataset, training: baseline })
  try {
    const { weights } = await initialModel(model, data, seed)
    const result = await trainer.train({ weights, seed, run: 'local', model: 'local', signal })
    const { accuracy, auc } = metricsOf(await trainer.evaluate(result.weights, signal))
    return { accuracy: accuracy ?? Number.NaN, auc: auc ?? Number.NaN }
  } finally {
    trainer.dispose()
  }
}

async function readExample(file: string): Promise<string> {
  const places = [`../examples/heart/${file}`, `../../examples/heart/${file}`]
  const [beside, above] = places.map((place) => new URL(place, import.meta.url)) as [URL, URL]
  return await readFile(beside, 'utf8').catch(async () => await readFile(above, 'utf8'))
}
