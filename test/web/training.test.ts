/** The trainer in a real browser, bundled as an application would bundle it; skipped where Debian's `chromium` is not installed. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTrainer, initialModel } from '../../client/index.ts'
import { parsePlan } from '../../core/plan/parse.ts'
import { anyRound, randomDataset } from '../client/training-fixtures.ts'
import { root } from '../support/source-files.ts'
import { launch, present } from './browser.ts'

const PLAN = `
parley: 1
name: page
model: { mlp: { hidden: [33, 17], dropout: 0.1 } }
data: { idx: { shape: [12, 12], classes: 4 } }
training: { epochs: 2, batch: 7, optimizer: { sgd: { learningRate: 0.1 } } }
rounds: 1
window: { count: { min: 1, max: 1 }, time: { min: 0s, max: 1m } }
`
const ROWS = 60
const shape = [12, 12, 1]

/** What the page does: it trains once as every machine can, once as fast as the browser can, and reports the weights. */
const PAGE = `
import { createTrainer, initialModel, loadTrainingKernels, parsePlan } from '${join(root, 'dist/client/browser.js')}'
globalThis.train = async ({ text, train, test, relaxed }) => {
  const plan = parsePlan(text, { maxBytes: text.length })
  const examples = ({ features, labels }) => ({ rows: labels.length, features: Float32Array.from(features), labels: Int32Array.from(labels) })
  const report = { rows: 0, used: 0, bad: [], train: 0, test: 0 }
  const dataset = { shape: [12, 12, 1], classes: 4, train: examples(train), test: examples(test), report }
  const kernels = await loadTrainingKernels(relaxed === undefined ? {} : { relaxed })
  const trainer = createTrainer({ model: plan.model, dataset, training: plan.training, kernels })
  const { weights } = initialModel(plan.model, plan.data, 5)
  const signal = new AbortController().signal
  const result = await trainer.train({ weights, seed: 1, run: 'run', model: '', signal })
  const counts = await trainer.evaluate(result.weights, signal)
  return { weights: [...result.weights], loss: result.loss, correct: counts.confusion ?? counts }
}
`
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }

describe.skipIf(!present)('the trainer on a page', () => {
  let folder: string
  let server: Server
  let browser: Browser
  let url: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-page-'))
    await writeFile(join(folder, 'index.html'), '<script type="module" src="./page.js"></script>')
    await writeFile(join(folder, 'page.js'), PAGE)
    await build({
      root: folder,
      configFile: false,
      logLevel: 'error',
      build: { outDir: 'out', assetsInlineLimit: 0, target: 'es2022' },
    })
    server = createServer(async (request, response) => {
      const path = request.url === '/' ? '/index.html' : (request.url ?? '')
      const file = await readFile(join(folder, 'out', path)).catch(() => undefined)
      response.writeHead(file === undefined ? 404 : 200, { 'content-type': types[extname(path)] ?? 'text/plain' })
      response.end(file)
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    browser = await launch()
  })

  afterAll(async () => {
    await browser?.close()
    server?.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  test('is at most 150 KB gzipped, kernels included', async () => {
    const files = await readdir(join(folder, 'out', 'assets'))
    expect(files.filter((file) => file.endsWith('.wasm'))).toHaveLength(2)
    const sizes = await Promise.all(
      files.map(async (file) => gzipSync(await readFile(join(folder, 'out', 'assets', file))).length),
    )
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(150_000)
  })

  test('trains to the weights that Node gives, to the bit where neither rounds as it likes', async () => {
    const dataset = randomDataset(ROWS, shape, 4)
    const { model, data, training } = parsePlan(PLAN, { maxBytes: PLAN.length })
    const own = await createTrainer({ model, dataset, training, engine: 'wasm' })
    const { weights } = await initialModel(model, data, 5)
    const expected = await own.train({ ...anyRound, weights, seed: 1, run: 'run' })
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))
    await page.goto(url)
    await page.waitForFunction(() => 'train' in globalThis)
    const plain = ({ features, labels }: typeof dataset.train) => ({ features: [...features], labels: [...labels] })
    const given = { text: PLAN, train: plain(dataset.train), test: plain(dataset.test) }
    const trained = (relaxed: boolean | undefined) =>
      page.evaluate(
        (given) => (globalThis as unknown as { train(given: object): Promise<Trained> }).train(given),
        relaxed === undefined ? given : { ...given, relaxed },
      )
    const exact = await trained(false)
    expect(problems).toEqual([])
    const distance = (other: Trained) =>
      Math.max(...expected.weights.map((value, i) => Math.abs(value - (other.weights[i] ?? Number.NaN))))
    expect(exact.loss).toBeCloseTo(expected.loss, 5)
    expect(distance(exact)).toBeLessThan(process.versions.node.startsWith('20.') ? 1e-30 : 1e-4)
    expect(distance(await trained(undefined))).toBeLessThan(1e-4)
  })
})

type Trained = { readonly weights: readonly number[]; readonly loss: number }
