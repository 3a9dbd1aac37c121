import { fileURLToPath } from 'node:url'
import { parseDocument } from 'yaml'
import { readText } from '../options.ts'

/** The plan of an example (a path below `examples/`) as a text, with the seed of the demonstration in it. */
export async function demoPlan(example: string, seed: number, rounds: number | undefined): Promise<string> {
  const document = parseDocument(await readText(pathOf(example)))
  document.set('seed', seed)
  document.setIn(['data', 'split', 'seed'], seed)
  if (rounds !== undefined) document.set('rounds', rounds)
  return String(document)
}

// This file runs as dist/cli/demo/plan.js; the examples lie beside dist.
function pathOf(example: string): string {
  return fileURLToPath(new URL(`../../../examples/${example}`, import.meta.url))
}
