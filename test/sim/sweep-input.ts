import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { stringify } from 'yaml'

/** A plan for generated blobs of three classes with two inputs, which trains in milliseconds. */
export const plan = {
  parley: 1,
  name: 'blobs',
  model: { logistic: {} },
  data: {
    csv: {
      columns: [
        { name: 'a', type: 'number' },
        { name: 'b', type: 'number' },
        { name: 'y', type: 'label' },
      ],
      label: { classes: [0, 1, 2] },
    },
  },
  training: { epochs: 1, batch: 8, optimizer: { sgd: { learningRate: 0.1 } } },
  rounds: 2,
  window: { count: { min: 5, max: 5 } },
}

export const world = {
  clients: 5,
  data: { generated: { blobs: { rows: 120 } } },
  attackers: { count: 1, attack: 'alie', sees: 'updates' },
}

export const scenario = { scenario: 1, plan, world }

/** A folder of the test file's own, and how to write YAML into it. */
export async function scratch(name: string) {
  const folder = await mkdtemp(join(tmpdir(), `parley-${name}-`))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const write = async (file: string, value: unknown): Promise<string> => {
    const path = join(folder, file)
    await writeFile(path, typeof value === 'string' ? value : stringify(value))
    return path
  }
  return { folder, path: (...parts: string[]) => join(folder, ...parts), write }
}
