import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Block } from '../../kernels/index.ts'
import { SharedMemory } from '../../kernels/memory.ts'

const PAGE = 65536

describe('blocks', () => {
  test('are zeros, lie at multiples of 64, above the first page, and never over each other', () => {
    const step = fc.oneof(
      fc.record({ allocate: fc.oneof(fc.nat(5000), fc.nat(300_000)) }),
      fc.record({ release: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const memory = new SharedMemory(64 * PAGE)
        const blocks: Block[] = []
        for (const one of steps) {
          if ('release' in one) {
            const [block] = blocks.length === 0 ? [] : blocks.splice(one.release % blocks.length, 1)
            block?.release()
          } else {
            let block: Block
            try {
              block = memory.allocate(one.allocate)
            } catch {
              continue
            }
            const bytes = block.uint8()
            expect(bytes.length).toBe(one.allocate)
            expect(bytes.every((byte) => byte === 0)).toBe(true)
            expect(block.address % 64).toBe(0)
            expect(block.address).toBeGreaterThanOrEqual(PAGE)
            const end = block.address + block.bytes
            expect(
              blocks.filter((other) => block.address < other.address + other.bytes && other.address < end),
            ).toEqual([])
            bytes.fill(0xff)
            blocks.push(block)
          }
        }
        // What is released joins again: the whole memory can be had in one piece.
        for (const block of blocks) block.release()
        const whole = memory.allocate(63 * PAGE - 64)
        expect(whole.address).toBe(PAGE)
        expect(whole.uint8().every((byte) => byte === 0)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('of one size do not start in the same set of the cache', () => {
    const memory = new SharedMemory()
    for (const bytes of [4_000_000, 4 * 2 ** 20, 64, 4096]) {
      const sets = Array.from({ length: 64 }, () => (memory.allocate(bytes).address / 64) % 64)
      expect(new Set(sets).size).toBe(64)
    }
  })

  test('are released once; afterwards they are nobody’s', () => {
    const memory = new SharedMemory()
    const first = memory.allocate(1000)
    memory.allocate(1000)
    first.release()
    const second = memory.allocate(1000)
    expect(second.address).toBe(first.address)
    first.release()
    expect(memory.allocate(1000).address).not.toBe(second.address)
    expect(() => first.uint8()).toThrow('after its release')
  })

  test('are overwritten when they are released', () => {
    const memory = new SharedMemory()
    const block = memory.allocate(1000)
    const view = block.uint8().fill(7)
    block.release()
    expect(view.every((byte) => byte === 0)).toBe(true)
  })

  test('stay as they are while the memory grows', () => {
    const memory = new SharedMemory()
    const block = memory.allocate(16)
    const before = block.float64().fill(1.5)
    memory.allocate(100 * 2 ** 20)
    before[0] = 2.5
    expect(Array.from(block.float64())).toEqual([2.5, 1.5])
    expect(block.float32().length).toBe(4)
  })

  test('can be had up to the limit, and beyond it fail with a code', () => {
    const memory = new SharedMemory(3 * PAGE)
    const most = memory.allocate(2 * PAGE - 64)
    expect(() => memory.allocate(65)).toThrow(expect.objectContaining({ code: 'kernels.memory-full' }))
    most.release()
    expect(() => memory.allocate(2 * PAGE)).toThrow('0.1875 MiB')
    expect(memory.allocate(PAGE).bytes).toBe(PAGE)
  })

  test('have a whole number of bytes', () => {
    const memory = new SharedMemory()
    for (const bytes of [-1, 0.5, Number.NaN]) {
      expect(() => memory.allocate(bytes)).toThrow(expect.objectContaining({ code: 'internal' }))
    }
  })
})
