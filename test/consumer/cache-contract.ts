/** What every cache of versions must do: the sentences of VersionCache and CachePart in consumer/cache/version-cache.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { VersionCache } from '../../consumer/index.ts'

export type MakeCache = () => Promise<{ readonly cache: VersionCache; readonly close?: () => Promise<void> }>

const a = 'a'.repeat(64)
const b = 'b'.repeat(64)
const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7) % 251)

export function contract(name: string, make: MakeCache, { keepsParts }: { readonly keepsParts: boolean }): void {
  describe(`cache: ${name}`, () => {
    let cache: VersionCache
    let close: (() => Promise<void>) | undefined
    beforeEach(async () => {
      ;({ cache, close } = await make())
    })
    afterEach(() => close?.())

    const put = async (sha256: string, content: Uint8Array) => {
      const part = await cache.part(sha256)
      await part.write(0, content)
      await part.commit(content.length)
    }

    it('has nothing at first', async () => {
      expect(await cache.document('heart@production', 1_000)).toBeUndefined()
      expect(await cache.documents()).toEqual([])
      expect(await cache.file(a, 10)).toBeUndefined()
      expect(await cache.has(a, 10)).toBe(false)
      expect(await cache.files()).toEqual([])
      await cache.remove(a)
    })

    it('gives a document as it was written last, and lists its name', async () => {
      await cache.writeDocument('heart@production', bytes(500))
      await cache.writeDocument('heart@Production', bytes(3))
      await cache.writeDocument('heart@production', bytes(400))
      expect(await cache.document('heart@production', 400)).toEqual(bytes(400))
      expect(await cache.document('heart@Production', 400)).toEqual(bytes(3))
      expect([...(await cache.documents())].sort()).toEqual(['heart@Production', 'heart@production'])
    })

    it('takes the longest name there is, and an empty document', async () => {
      const long = `${'m'.repeat(100)}@${'a'.repeat(255)}`
      await cache.writeDocument(long, new Uint8Array(0))
      expect(await cache.document(long, 0)).toEqual(new Uint8Array(0))
      expect(await cache.documents()).toEqual([long])
    })

    it('gives no document that is longer than is asked for', async () => {
      await cache.writeDocument('x', bytes(401))
      expect(await cache.document('x', 400)).toBeUndefined()
      expect(await cache.document('x', 401)).toEqual(bytes(401))
    })

    it('gives a file only when it is complete, and only in its length', async () => {
      const part = await cache.part(a)
      await part.write(0, bytes(100))
      expect(await cache.file(a, 100)).toBeUndefined()
      expect(await cache.has(a, 100)).toBe(false)
      expect(await cache.files()).toEqual([a])
      await part.write(100, bytes(50))
      await part.commit(150)
      expect(await cache.file(a, 150)).toEqual(Uint8Array.from([...bytes(100), ...bytes(50)]))
      expect([await cache.has(a, 150), await cache.has(a, 149)]).toEqual([true, false])
      expect(await cache.file(a, 149)).toBeUndefined()
      expect(await cache.files()).toEqual([a])
    })

    it('keeps its own bytes: neither who wrote nor who read changes them', async () => {
      const content = bytes(10)
      await put(a, content)
      await cache.writeDocument('x', content)
      content.fill(0)
      ;(await cache.file(a, 10))!.fill(1)
      ;(await cache.document('x', 10))!.fill(1)
      expect(await cache.file(a, 10)).toEqual(bytes(10))
      expect(await cache.document('x', 10)).toEqual(bytes(10))
    })

    it.runIf(keepsParts)('goes on with a part where it was left', async () => {
      const first = await cache.part(a)
      expect(await first.read(100)).toEqual(new Uint8Array(0))
      await first.write(0, bytes(60))
      await first.close()
      const second = await cache.part(a)
      expect(await second.read(100)).toEqual(bytes(60))
      expect(await second.read(20)).toEqual(bytes(20))
      await second.write(60, bytes(40))
      await second.commit(100)
      expect(await cache.file(a, 100)).toEqual(Uint8Array.from([...bytes(60), ...bytes(40)]))
    })

    it('takes a part that is begun anew, and commits no more than its length', async () => {
      const part = await cache.part(a)
      await part.write(0, new Uint8Array(80).fill(9))
      await part.write(0, bytes(30))
      await part.write(30, bytes(10))
      await part.commit(40)
      expect(await cache.file(a, 40)).toEqual(Uint8Array.from([...bytes(30), ...bytes(10)]))
    })

    it('lets two write the same file at once', async () => {
      const parts = await Promise.all([cache.part(a), cache.part(a)])
      await Promise.all(parts.map((part) => part.write(0, bytes(50))))
      await Promise.all(parts.map((part) => part.write(50, bytes(50))))
      for (const part of parts) await part.commit(100)
      expect(await cache.file(a, 100)).toEqual(Uint8Array.from([...bytes(50), ...bytes(50)]))
    })

    it('replaces a file that is there', async () => {
      await put(a, new Uint8Array(10))
      await put(a, bytes(20))
      expect(await cache.file(a, 20)).toEqual(bytes(20))
    })

    it('forgets what is removed, complete or not', async () => {
      await put(a, bytes(10))
      const part = await cache.part(b)
      await part.write(0, bytes(5))
      await part.close()
      await cache.remove(a)
      await cache.remove(b)
      expect(await cache.files()).toEqual([])
      expect(await cache.file(a, 10)).toBeUndefined()
      const again = await cache.part(b)
      expect(await again.read(10)).toEqual(new Uint8Array(0))
      await again.close()
    })
  })
}
