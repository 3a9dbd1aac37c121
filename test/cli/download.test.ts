/** A coordinator that is not to be trusted, as `parley model download` meets it: nothing is verified yet. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { RemoteCoordinator } from '../../cli/http-client.ts'
import { downloadVersion } from '../../cli/version-folder.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { fromUtf8 } from '../../core/encoding/bytes.ts'
import { ENVELOPE_BYTES, parseEnvelope } from '../../core/release/envelope-json.ts'
import { publishVersion } from '../../server/registry/publish.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { candidateIn, publishDeps } from '../support/release.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

test.each([
  ['the manifest', /versions\/1$/],
  ['the envelope', /envelope$/],
  ['a file', /model\/config\.json$/],
])('%s that does not end is left, and nothing of it stays under its name', async (_what, endless) => {
  const store = memoryStore()
  const key = nodeCrypto.signingKey(new Uint8Array(32).fill(3))
  const { envelope } = await publishVersion(
    publishDeps(store, key, () => 1_000),
    await candidateIn(store, 1),
  )
  const [signed] = parseEnvelope(new TextEncoder().encode(envelope))
  let sent = 0
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    if (endless.test(path)) {
      const piece = Buffer.alloc(64 * 1024, 0x20)
      const more = () => {
        while (!response.destroyed && response.write(piece)) sent += piece.length
      }
      response.on('drain', more)
      more()
    } else response.end(path.endsWith('envelope') ? envelope : path.endsWith('/1') ? fromUtf8(signed!.payload) : '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUp.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const folder = await mkdtemp(join(tmpdir(), 'parley-download-'))
  cleanUp.push(() => rm(folder, { recursive: true, force: true }))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const coordinator = await RemoteCoordinator.connect({ url })
  const download = downloadVersion(coordinator, { model: 'heart', number: 1 }, folder)
  await expect(download).rejects.toMatchObject({
    code: 'verify.failed',
    message: expect.stringContaining('longer than'),
  })
  expect(sent).toBeLessThan(ENVELOPE_BYTES + 64 * 2 ** 20)
  const there = await readdir(folder, { recursive: true })
  expect(there.filter((name) => endless.test(`/${name}`))).toEqual([])
})
