import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { heartSections, loadHospitals } from '../../bench/heart-local.ts'
import { datasetFromCsv } from '../../client/data/load.ts'
import { poolDatasets } from '../../client/data/pool.ts'
import { downloadFile, type Fetch } from '../../client/datasets/download.ts'
import { syntheticHeart, writeSyntheticHeart } from '../../client/datasets/synthetic-heart.ts'
import { downloadHeart, heartFiles } from '../../client/datasets/uci-heart.ts'
import { initialModel } from '../../client/training/initial.ts'
import { createTrainer } from '../../client/training/trainer.ts'
import { metricsOf } from '../../core/metrics/compute.ts'
import { trainingSchema } from '../../core/plan/training.ts'
import { anyRound, unaborted } from './training-fixtures.ts'

const shared = join(
  process.env.PARLEY_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url)),
  'data/heart',
)
const missing = !existsSync(shared)
if (missing) console.log(`skipped: the heart disease files are not in ${shared}`)

let dir = ''
let server: Server
let served: Map<string, Buffer>
let requests: string[]

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    const body = served.get(path)
    if (path.endsWith('/cut')) {
      response.writeHead(200, { 'content-length': 100 })
      response.write('cut')
      response.destroy()
    } else if (body === undefined) response.writeHead(404).end('no')
    else response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

beforeEach(async () => {
  served = new Map()
  requests = []
  dir = await mkdtemp(join(tmpdir(), 'parley-datasets-'))
  return async () => await rm(dir, { recursive: true, force: true })
})

/** Sends what is meant for the source to the local server. */
const localFetch: Fetch = async (url, init) => {
  const { port } = server.address() as AddressInfo
  return await fetch(`http://127.0.0.1:${port}${new URL(url).pathname}`, init)
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('a download', () => {
  const content = Buffer.from('63,1,1\n')
  const remote = (path: string, change: object = {}) => ({
    url: `https://example.org/${path}`,
    sha256: sha256(content),
    bytes: content.length,
    ...change,
  })
  const failure = async (file: ReturnType<typeof remote>) => {
    const error: unknown = await downloadFile(file, join(dir, 'deep/heart.data'), localFetch).catch(
      (thrown: unknown) => thrown,
    )
    const left = await readdir(dir, { recursive: true })
    expect(left.filter((name) => name !== 'deep')).toEqual([])
    return error
  }

  test('puts the file into place, and is not repeated while the file is right', async () => {
    served.set('/file', content)
    const path = join(dir, 'deep/heart.data')
    expect(await downloadFile(remote('file'), path, localFetch)).toBe('downloaded')
    expect(await downloadFile(remote('file'), path, localFetch)).toBe('kept')
    expect(await readFile(path)).toEqual(content)
    await writeFile(path, 'damaged')
    expect(await downloadFile(remote('file'), path, localFetch)).toBe('downloaded')
    expect(requests).toEqual(['/file', '/file'])
    expect(await readdir(join(dir, 'deep'))).toEqual(['heart.data'])
  })

  test('of a file with another digest leaves nothing', async () => {
    served.set('/file', Buffer.from('63,1,2\n'))
    expect(await failure(remote('file'))).toMatchObject({ code: 'data.digest-mismatch' })
  })

  test.each([
    ['absent', 'HTTP status 404'],
    ['cut', ''],
  ])('that fails says what to do by hand: %s', async (path, reason) => {
    const message = expect.stringMatching(new RegExp(`${reason}.*fetch it by hand and save it as heart.data in `))
    expect(await failure(remote(path))).toMatchObject({ code: 'data.download-failed', message })
  })

  test('is broken off when it is longer than the file', async () => {
    served.set('/file', Buffer.alloc(5_000_000))
    expect(await failure(remote('file'))).toMatchObject({
      code: 'data.download-failed',
      message: expect.stringContaining('longer than 7 bytes'),
    })
  })
})

describe('the UCI heart disease files', () => {
  test('come from the archive and are refused when they are not the known ones', async () => {
    served.set('/ml/machine-learning-databases/heart-disease/processed.cleveland.data', Buffer.from('63.0\n'))
    await expect(downloadHeart(dir, localFetch)).rejects.toMatchObject({ code: 'data.digest-mismatch' })
    expect(requests).toHaveLength(1)
    expect(await readdir(dir)).toEqual([])
  })

  test.skipIf(missing)('have the digests and lengths that are written down', async () => {
    for (const { name, file, sha256: digest, bytes } of heartFiles) {
      const local = await readFile(join(shared, file), 'utf8')
      const original = Buffer.from(name === 'cleveland' ? withQuestionMarks(local) : local)
      expect([name, original.length, sha256(original)]).toEqual([name, bytes, digest])
      served.set(`/ml/machine-learning-databases/heart-disease/${file}`, original)
    }
    expect((await downloadHeart(dir, localFetch)).map(({ name }) => name)).toEqual(heartFiles.map(({ name }) => name))
    expect(await downloadHeart(dir, localFetch)).toHaveLength(4)
    expect(requests).toHaveLength(4)
    const hospitals = await loadHospitals(dir, 43)
    expect(hospitals.map(({ dataset }) => dataset.report.used)).toEqual([303, 261, 46, 130])
  })

  /** Copies of the Cleveland file go round in which six missing values of the columns ca and thal are written as 0.0. */
  function withQuestionMarks(text: string): string {
    const [ca, thal] = [
      [166, 192, 287, 302],
      [87, 266],
    ]
    return text
      .split('\n')
      .map((line, row) => {
        const cells = line.split(',')
        if (ca!.includes(row)) cells[11] = '?'
        if (thal!.includes(row)) cells[12] = '?'
        return cells.join(',')
      })
      .join('\n')
  }
})

describe('the synthetic hospitals', () => {
  test('follow from the seed', () => {
    expect(syntheticHeart(1)).toEqual(syntheticHeart(1))
    expect(syntheticHeart(1)).not.toEqual(syntheticHeart(2))
  })

  test('have the names, sizes and missing values of the real ones, and differ', async () => {
    const { data } = await heartSections(1)
    if (!('csv' in data)) throw new Error('the example reads a table')
    const hospitals = syntheticHeart(1)
    expect(hospitals.map(({ name }) => name)).toEqual(heartFiles.map(({ name }) => name))
    const sets = hospitals.map(({ text }) => datasetFromCsv(data, text))
    expect(sets.map(({ report }) => report.rows)).toEqual([303, 294, 123, 200])
    for (const { report } of sets) expect(report.bad.every(({ reason }) => reason === 'missing value')).toBe(true)
    const sick = sets.map(({ train }) => train.labels.reduce((sum, label) => sum + label, 0) / train.rows)
    expect(sick[2]).toBeGreaterThan(sick[1]! + 0.3)
    for (const { text } of hospitals) {
      const lines = text.trimEnd().split('\n')
      expect(lines.every((line) => line.split(',').length === 14)).toBe(true)
    }
  })

  test('are written as one file in a folder of each, plainly named', async () => {
    const written = await writeSyntheticHeart(dir, 1)
    expect(written.map(({ path }) => path.slice(dir.length + 1))).toEqual([
      join('cleveland', 'synthetic-heart.data'),
      join('hungarian', 'synthetic-heart.data'),
      join('switzerland', 'synthetic-heart.data'),
      join('va', 'synthetic-heart.data'),
    ])
    expect(await readFile(written[3]!.path, 'utf8')).toBe(syntheticHeart(1)[3]!.text)
  })

  test('hold a signal that a logistic model finds', async () => {
    const aucs: number[] = []
    for (const seed of [1, 2, 3, 4]) {
      const { model, data } = await heartSections(seed)
      if (!('csv' in data)) throw new Error('the example reads a table')
      const dataset = poolDatasets(syntheticHeart(seed).map(({ text }) => datasetFromCsv(data, text)))
      const training = trainingSchema.parse({ epochs: 10, batch: 8, optimizer: { adam: { learningRate: 0.01 } } })
      const trainer = await createTrainer({ model, dataset, training })
      const { weights } = await initialModel(model, data, seed)
      const result = await trainer.train({ ...anyRound, weights, seed })
      aucs.push(metricsOf(await trainer.evaluate(result.weights, unaborted)).auc!)
    }
    const mean = aucs.reduce((sum, auc) => sum + auc, 0) / aucs.length
    expect(mean).toBeGreaterThan(0.8)
    expect(mean).toBeLessThan(0.9)
  })
})
