/** An exported model in a real browser, with TF.js as it is published; skipped where Debian's `chromium` is not installed. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { tfjsLayersModel } from '../../core/export/tfjs-layers.ts'
import { publishVersion } from '../../server/registry/publish.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { candidateOf, filesOf, publishDeps } from '../support/release.ts'
import { cases, examplesOf, farthest, modelOf, ownOutputs } from './models.ts'

const CHROMIUM = '/usr/bin/chromium'
const present = existsSync(CHROMIUM)
const skipped = present ? '' : ' (skipped: it is not installed)'
const run = promisify(execFile)
const resolve = createRequire(import.meta.url).resolve

const packages = ['tfjs-core', 'tfjs-backend-cpu', 'tfjs-layers']

/** As docs/exports.md has it; the outputs are what the page says in the end. */
const page = (models: readonly string[]) => `<!DOCTYPE html><html><body><pre></pre>
${packages.map((name) => `<script src="/${name}.js"></script>`).join('\n')}
<script type="module">
const said = {}
for (const model of ${JSON.stringify(models)}) {
  try {
    const loaded = await tf.loadLayersModel('/' + model + '/model.json')
    const { shape, values } = await (await fetch('/' + model + '/examples.json')).json()
    said[model] = [...loaded.predict(tf.tensor(values, shape)).dataSync()]
  } catch (error) {
    said[model] = String(error)
  }
}
await fetch('/outputs', { method: 'POST', body: JSON.stringify(said) })
document.querySelector('pre').textContent = 'done'
</script></body></html>`

/** Opens the page at `/` of a server of its own, and gives what it posts in the end. */
async function postedBy(files: ReadonlyMap<string, Uint8Array | string>): Promise<string> {
  let posted: (text: string) => void = () => {}
  const outputs = new Promise<string>((done) => {
    posted = done
  })
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/'
    if (request.method === 'POST') {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      posted(Buffer.concat(parts).toString())
      response.end()
      return
    }
    const file = files.get(path)
    const type = path === '/' ? 'text/html' : path.endsWith('.js') ? 'text/javascript' : 'application/octet-stream'
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': type }).end(file)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const folder = await mkdtemp(join(tmpdir(), 'parley-export-'))
  try {
    const flags = [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update', '--virtual-time-budget=60000'],
      ...[`--user-data-dir=${join(folder, 'profile')}`, '--dump-dom'],
    ]
    const { port } = server.address() as AddressInfo
    const browser = run(CHROMIUM, [...flags, `http://127.0.0.1:${port}/`], { maxBuffer: 2 ** 26, timeout: 90_000 })
    const ended = browser.then(({ stdout }) =>
      Promise.reject(new Error(`the page said nothing: ${stdout.slice(0, 500)}`)),
    )
    const text = await Promise.race([outputs, ended])
    await browser.catch(() => {})
    ended.catch(() => {})
    return text
  } finally {
    server.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

describe.skipIf(!present)(`exports in ${CHROMIUM}${skipped}`, { timeout: 120_000 }, () => {
  test('tf.loadLayersModel reads each over HTTP, and gives what Parley’s engine gives', async () => {
    const files = new Map<string, Uint8Array | string>()
    for (const name of packages) {
      const folder = dirname(resolve(`@tensorflow/${name}/package.json`))
      const file = join(folder, 'dist', `${name.replace('tfjs', 'tf')}.min.js`)
      files.set(`/${name}.js`, await readFile(file))
    }
    const expected: Record<string, Float64Array> = {}
    for (const [i, [, section, data]] of cases.entries()) {
      const exported = await modelOf(section, data)
      for (const { name, bytes } of tfjsLayersModel(exported)) files.set(`/${i}/${name}`, bytes)
      const { shape, values } = examplesOf(data)
      files.set(`/${i}/examples.json`, JSON.stringify({ shape, values: [...values] }))
      expected[i] = await ownOutputs(exported, data)
    }
    // As a version has them, from where a registry serves them.
    const [, section, data] = cases[6]!
    const store = memoryStore()
    const published = await modelOf(section, data)
    const deps = publishDeps(store, nodeCrypto.signingKey(new Uint8Array(32).fill(1)), () => 0)
    const version = await publishVersion(deps, await candidateOf(store, published))
    const served = 'v1/models/heart/versions/1/files/exports/tfjs'
    for (const [path, bytes] of await filesOf(store, version))
      files.set(`/v1/models/heart/versions/1/files/${path}`, bytes)
    files.set(`/${served}/examples.json`, files.get('/6/examples.json')!)
    files.set('/', page([...Object.keys(expected), served]))
    const outputs = JSON.parse(await postedBy(files)) as Record<string, number[]>
    for (const [i, [what]] of cases.entries()) {
      expect(outputs[i], what).toBeInstanceOf(Array)
      expect(farthest(outputs[i]!, expected[i]!), what).toBeLessThan(1e-6)
    }
    expect(outputs[served]).toEqual(outputs[6])
  })
})
