/** Derivatives in the consumer: there as every other file, and neither downloaded nor kept twice. */
import { expect, it } from 'vitest'
import { memoryCache, type OpenOptions, open } from '../../consumer/index.ts'
import { bytesView, fromUtf8, toHex } from '../../core/encoding/bytes.ts'
import { memoryStore } from '../../server/store/memory/store.ts'
import { releaseKey, running } from '../server/http-fixtures.ts'
import { candidateIn, logisticTensors, registryOf } from '../support/release.ts'
import { finally_ } from './support.ts'

it('the flat vector for TensorFlow.js is the end of the weights’ file', async () => {
  const store = memoryStore()
  const registry = registryOf(store, releaseKey, { now: () => Date.now() })
  const { url } = await running({ store, registry })
  await registry.publish(await candidateIn(store, 1, { tensors: logisticTensors }), 'production')
  const asked: string[] = []
  const cache = memoryCache()
  const opening = async (options: Partial<OpenOptions> = {}) => {
    const followed = await open('heart', {
      ...{ url, key: toHex(releaseKey.publicKey), cache, follow: 'none' },
      fetch: (input, init) => {
        asked.push(String(input))
        return fetch(input, init)
      },
      ...options,
    })
    finally_(() => followed.close())
    return followed
  }
  const followed = await opening()
  const { current } = followed
  const values = [...current.weights().values()].flatMap((tensor) => [...tensor.values])
  expect(current.bytes('exports/tfjs/weights.bin')).toEqual(Uint8Array.from(bytesView(Float32Array.from(values))))
  expect(JSON.parse(fromUtf8(current.bytes('exports/tfjs/model.json')))).toMatchObject({ format: 'layers-model' })
  expect(JSON.parse(fromUtf8(current.bytes('exports/logistic.json')))).toMatchObject({ format: 'parley-logistic/1' })
  expect(asked.filter((path) => path.endsWith('model.json'))).toHaveLength(1)
  expect(asked.filter((path) => path.endsWith('weights.bin'))).toEqual([])
  await followed.close()
  expect(await cache.files()).toHaveLength(current.manifest.files.length - 1)

  const offline = await opening({ fetch: () => Promise.reject(new TypeError('offline')) })
  expect(offline.current.bytes('exports/tfjs/weights.bin')).toEqual(current.bytes('exports/tfjs/weights.bin'))
})
