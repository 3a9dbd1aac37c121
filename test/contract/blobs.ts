/** What every blob store must do: the sentences of BlobStore and BlobWriter in server/store/ports.ts. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BlobStore } from '../../server/store/ports.ts'

export type MakeBlobs = () => Promise<{ readonly blobs: BlobStore; readonly close: () => Promise<void> }>

export function contract(name: string, make: MakeBlobs): void {
  describe(`blobs: ${name}`, () => {
    let blobs: BlobStore
    let close: () => Promise<void>
    beforeEach(async () => {
      const made = await make()
      blobs = made.blobs
      close = made.close
    })
    afterEach(() => close())

    const listed = async () => {
      const digests: string[] = []
      for await (const digest of blobs.list()) digests.push(digest)
      return digests.sort()
    }

    it('gives back what was put, whole and in parts', async () => {
      const bytes = pattern(3_000)
      const digest = await blobs.put(bytes)
      expect(digest).toBe(digestOf(bytes))
      expect(await blobs.size(digest)).toBe(3_000)
      expect(await blobs.read(digest, 0, 3_000)).toEqual(bytes)
      expect(await blobs.read(digest, 2_990, 10)).toEqual(bytes.slice(2_990))
      expect(await blobs.read(digest, 3_000, 0)).toEqual(new Uint8Array(0))
      await blobs.verify(digest)
    })

    it('holds the empty blob', async () => {
      const digest = await blobs.put(new Uint8Array(0))
      expect(await blobs.size(digest)).toBe(0)
      expect(await blobs.read(digest, 0, 0)).toEqual(new Uint8Array(0))
    })

    it('keeps its own copy: neither the giver nor a reader changes what is stored', async () => {
      const bytes = pattern(100)
      const digest = await blobs.put(bytes)
      bytes.fill(0)
      const first = await blobs.read(digest, 0, 100)
      first.fill(1)
      expect(await blobs.read(digest, 0, 100)).toEqual(pattern(100))
    })

    it('stores equal bytes once', async () => {
      const digests = await Promise.all([1, 2, 3].map(() => blobs.put(pattern(50))))
      expect(new Set(digests).size).toBe(1)
      expect(await listed()).toEqual([digestOf(pattern(50))])
    })

    it('refuses absent blobs, ranges outside and names that are not digests', async () => {
      const absent = digestOf(pattern(1))
      expect(await blobs.size(absent)).toBeUndefined()
      await expect(blobs.read(absent, 0, 1)).rejects.toMatchObject({ code: 'object.not-found' })
      await expect(blobs.verify(absent)).rejects.toMatchObject({ code: 'object.not-found' })
      const digest = await blobs.put(pattern(10))
      for (const [offset, length] of [
        [0, 11],
        [-1, 2],
        [11, 0],
        [0, -1],
        [0.5, 1],
        [0, 2 ** 53],
      ] as const) {
        await expect(blobs.read(digest, offset, length)).rejects.toMatchObject({ code: 'request.invalid' })
      }
      for (const name of ['', '../../etc/passwd', absent.toUpperCase(), `${absent}/`, absent.slice(1), `${absent}\n`]) {
        await expect(blobs.size(name)).rejects.toMatchObject({ code: 'request.invalid' })
        await expect(blobs.read(name, 0, 0)).rejects.toMatchObject({ code: 'request.invalid' })
        await expect(blobs.remove(name)).rejects.toMatchObject({ code: 'request.invalid' })
        await expect(blobs.resume(name, 1, 1)).rejects.toMatchObject({ code: 'request.invalid' })
      }
    })

    it('removes, and removing what is absent is fine', async () => {
      const digest = await blobs.put(pattern(10))
      await blobs.remove(digest)
      await blobs.remove(digest)
      expect(await blobs.size(digest)).toBeUndefined()
      expect(await listed()).toEqual([])
    })

    describe('a writer of a new blob', () => {
      it('shows nothing before commit', async () => {
        const writer = await blobs.create()
        await writer.write(pattern(10))
        await writer.write(pattern(2_000_000))
        expect(writer.written).toBe(2_000_010)
        expect(await listed()).toEqual([])
        const digest = await writer.commit()
        expect(digest).toBe(digestOf(pattern(10), pattern(2_000_000)))
        expect(await blobs.size(digest)).toBe(2_000_010)
        await writer.release()
        expect(await listed()).toEqual([digest])
      })

      it('keeps nothing when it is released', async () => {
        const writer = await blobs.create()
        await writer.write(pattern(10))
        await writer.release()
        await writer.release()
        expect(await listed()).toEqual([])
      })

      it('takes writes that were not waited for in order, and lets the caller use the bytes again', async () => {
        const writer = await blobs.create()
        const writes = [1, 2, 3].map((value) => writer.write(new Uint8Array(1_000).fill(value)))
        await Promise.all(writes)
        const buffer = pattern(100)
        await writer.write(buffer)
        buffer.fill(0)
        const parts = [1, 2, 3].map((value) => new Uint8Array(1_000).fill(value))
        expect(await writer.commit()).toBe(digestOf(...parts, pattern(100)))
      })

      it('writes side by side with others', async () => {
        const writers = await Promise.all([blobs.create(), blobs.create(), blobs.create()])
        await Promise.all(writers.map((writer, i) => writer.write(pattern(1_000 + i))))
        const digests = await Promise.all(writers.map((writer) => writer.commit()))
        expect(digests).toEqual([0, 1, 2].map((i) => digestOf(pattern(1_000 + i))))
      })
    })

    describe('a writer that can be resumed', () => {
      const bytes = pattern(1_000)
      const digest = digestOf(bytes)

      it('goes on where the earlier one stopped, at a multiple of the granule', async () => {
        const first = await blobs.resume(digest, 1_000, 64)
        expect(first.written).toBe(0)
        await first.write(bytes.slice(0, 200))
        await first.release()
        expect(await blobs.size(digest)).toBeUndefined()
        const second = await blobs.resume(digest, 1_000, 64)
        expect(second.written).toBe(192)
        await second.write(bytes.slice(192))
        expect(await second.commit()).toBe(digest)
        await second.release()
        expect(await blobs.read(digest, 0, 1_000)).toEqual(bytes)
      })

      it('keeps nothing when the digest is wrong', async () => {
        const writer = await blobs.resume(digest, 1_000, 64)
        await writer.write(pattern(1_000).fill(0, 500))
        await expect(writer.commit()).rejects.toMatchObject({ code: 'update.digest-mismatch' })
        await writer.release()
        expect(await listed()).toEqual([])
        expect((await blobs.resume(digest, 1_000, 64)).written).toBe(0)
      })

      it('is not committed short, and takes no more than promised', async () => {
        const short = await blobs.resume(digest, 1_000, 64)
        await short.write(bytes.slice(0, 999))
        await expect(short.commit()).rejects.toMatchObject({ code: 'update.digest-mismatch' })
        const long = await blobs.resume(digest, 1_000, 64)
        await expect(long.write(pattern(1_001))).rejects.toMatchObject({ code: 'request.invalid' })
        await long.release()
      })

      it('is taken over by the next one', async () => {
        const first = await blobs.resume(digest, 1_000, 100)
        await first.write(bytes.slice(0, 300))
        const second = await blobs.resume(digest, 1_000, 100)
        expect(second.written).toBe(300)
        await expect(first.write(bytes.slice(300))).rejects.toMatchObject({ code: 'session.replaced' })
        await expect(first.commit()).rejects.toMatchObject({ code: 'session.replaced' })
        await first.release()
        await second.write(bytes.slice(300))
        expect(await second.commit()).toBe(digest)
      })

      it('has one holder however many resume at once', async () => {
        const writers = await Promise.all([1, 2, 3, 4].map(() => blobs.resume(digest, 1_000, 100)))
        const outcomes = await Promise.allSettled(writers.map((writer) => writer.write(bytes)))
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        const holder = writers[outcomes.findIndex(({ status }) => status === 'fulfilled')]!
        expect(await holder.commit()).toBe(digest)
        for (const writer of writers) await writer.release()
        expect(await listed()).toEqual([digest])
      })

      it('finds the blob complete when it is', async () => {
        await blobs.put(bytes)
        const writer = await blobs.resume(digest, 1_000, 64)
        expect(writer.written).toBe(1_000)
        expect(await writer.commit()).toBe(digest)
        await expect(blobs.resume(digest, 999, 64)).rejects.toMatchObject({ code: 'update.digest-mismatch' })
      })

      it('starts again when more is there than is promised now', async () => {
        const first = await blobs.resume(digest, 2_000, 64)
        await first.write(pattern(1_500))
        await first.release()
        expect((await blobs.resume(digest, 1_000, 64)).written).toBe(0)
      })

      it('ends with the removal of its blob', async () => {
        const writer = await blobs.resume(digest, 1_000, 64)
        await writer.write(bytes.slice(0, 500))
        await blobs.remove(digest)
        await expect(writer.write(bytes.slice(500))).rejects.toMatchObject({ code: 'session.replaced' })
        expect((await blobs.resume(digest, 1_000, 64)).written).toBe(0)
      })

      it('refuses lengths and granules that are none', async () => {
        await expect(blobs.resume(digest, -1, 64)).rejects.toMatchObject({ code: 'request.invalid' })
        await expect(blobs.resume(digest, 1_000, 0)).rejects.toMatchObject({ code: 'request.invalid' })
      })
    })
  })
}

/** Bytes that differ from place to place. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
}

export function digestOf(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
