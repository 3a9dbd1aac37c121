/** The image could not be built where this is tested; what it holds is put together here, and started as it is started there. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inProcess } from '../support/cli.ts'
import { root } from '../support/source-files.ts'

let folder: string
let coordinator: ChildProcess | undefined
const app = () => join(folder, 'app')
const home = () => join(folder, 'home')

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-image-'))
  const copied = readFileSync(join(root, 'Dockerfile'), 'utf8').matchAll(/^COPY --from=build (.*) \S+$/gm)
  for (const [, sources = ''] of copied) {
    for (const source of sources.split(' ').map((path) => path.replace('/build/', ''))) {
      const target = join(app(), source)
      if (source === 'node_modules') symlinkSync(join(root, source), target)
      else cpSync(join(root, source), target, { recursive: true })
    }
  }
})

afterAll(async () => {
  if (coordinator !== undefined && coordinator.exitCode === null) {
    const gone = once(coordinator, 'exit')
    coordinator.kill('SIGKILL')
    await gone
  }
  rmSync(folder, { recursive: true, force: true })
})

const main = () => join(app(), 'dist/cli/main.js')
const env = () => ({ PATH: process.env.PATH, PARLEY_HOME: home() })

function parley(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main(), ...args], {
    encoding: 'utf8',
    env: env(),
    cwd: dirname(home()),
  })
  return { status, stdout, stderr }
}

describe('the files of the image', () => {
  test('are enough for a coordinator that is made, started, found healthy and stopped', async () => {
    expect(parley('init', '--if-missing', '--home', home())).toMatchObject({ status: 0 })
    const again = parley('init', '--if-missing', '--home', home(), '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ status: 'ok' })
    expect(parley('health', '--home', home(), '--url', 'https://127.0.0.1:1')).toMatchObject({ status: 5 })

    const child = spawn(process.execPath, [main(), 'coordinator', '--json', '--grpc-port', '0', '--http-port', '0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: env(),
    })
    coordinator = child
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const { http } = JSON.parse(line) as { http: string }
    expect(http).toMatch(/^https:/)
    for (const more of [[], ['--ready']]) {
      expect(parley('health', '--home', home(), '--url', http, ...more)).toMatchObject({ status: 0 })
    }
    // Of another authority nothing is believed.
    expect(parley('health', '--url', http)).toMatchObject({ status: 5 })
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  }, 60_000)
})

test('a coordinator that takes the connection and says nothing is not healthy', async () => {
  const silent = createServer()
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  try {
    const { code, stdout } = await inProcess('health', '--url', `http://127.0.0.1:${port}`, '--json')
    expect([code, JSON.parse(stdout)]).toEqual([5, expect.objectContaining({ status: 'error' })])
  } finally {
    silent.close()
  }
})
