import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadTrainingKernels } from '../../client/browser.ts'
import { built } from '../../kernels/wasm.ts'

let server: Server
let addresses: { readonly exact: URL; readonly relaxed: URL }

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/absent') response.writeHead(404).end('no such file')
    else if (request.url === '/page') response.end('<!DOCTYPE html>')
    else response.end(readFileSync(built('training.wasm')))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const at = (path: string) => new URL(path, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  addresses = { exact: at('/kernels'), relaxed: at('/absent') }
})

afterAll(() => void server.close())

test('a page takes the kernels from the address that it gives', async () => {
  expect(await loadTrainingKernels({ relaxed: false, addresses })).toBeInstanceOf(WebAssembly.Module)
})

test('and is told where there are none', async () => {
  await expect(loadTrainingKernels({ relaxed: true, addresses })).rejects.toMatchObject({
    code: 'engine.unavailable',
    message: expect.stringMatching(/\/absent could not be loaded: the answer is 404$/),
  })
  const exact = new URL('/page', addresses.exact)
  await expect(loadTrainingKernels({ relaxed: false, addresses: { ...addresses, exact } })).rejects.toMatchObject({
    code: 'engine.unavailable',
    message: expect.stringContaining('/page'),
  })
})
