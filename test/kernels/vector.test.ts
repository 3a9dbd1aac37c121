/** The kernels that are done at once on the calling thread, against the plain loops that do the same where there are none. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { difference } from '../../client/index.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { utf8 } from '../../core/encoding/bytes.ts'
import { addVector, maskArithmeticOf } from '../../core/secagg/index.ts'
import { createKernels, maskArithmeticIn } from '../../kernels/index.ts'
import { updateScreen } from '../../server/aggregation/screen.ts'
import { differenceInKernels } from '../../sim/engine/difference.ts'
import { placed, rowsOf } from './reference.ts'

const kernels = createKernels({ threads: 0 })
const lengths = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(16_383, 16_384, 16_385, 40_001))

test('a difference is that of the plain loop to the bit', () => {
  fc.assert(
    fc.property(lengths, fc.nat(), (length, seed) => {
      const [after, before] = rowsOf(2, length, seed) as [Float32Array, Float32Array]
      const shared = new Float32Array(new SharedArrayBuffer(4 * length))
      shared.set(before)
      const block = kernels.allocate(4 * length)
      const expected = new Float32Array(length)
      expect(difference(after, before, expected)).toBe(true)
      expect(differenceInKernels(kernels)(after, shared, block.float32())).toBe(true)
      expect(Buffer.from(block.uint8()).equals(Buffer.from(expected.buffer))).toBe(true)
      block.release()
    }),
    { numRuns: 60 },
  )
})

test('a difference that is not finite is found wherever it stands', () => {
  const subtract = differenceInKernels(kernels)
  fc.assert(
    fc.property(
      lengths.chain((length) => fc.tuple(fc.constant(length), fc.nat(length - 1))),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38),
      ([length, at], value) => {
        const before = new Float32Array(new SharedArrayBuffer(4 * length)).fill(value === 3e38 ? -3e38 : 1)
        const after = new Float32Array(length).fill(value === 3e38 ? -3e38 : 1)
        after[at] = value
        const block = kernels.allocate(4 * length)
        expect(subtract(after, before, block.float32())).toBe(false)
        expect(difference(after, before, new Float32Array(length))).toBe(false)
        block.release()
      },
    ),
    { numRuns: 60 },
  )
})

test('each round’s model is subtracted, also when its memory is as long as the last one’s', () => {
  const subtract = differenceInKernels(kernels)
  const models = [1, 2].map((value) => new Float32Array(new SharedArrayBuffer(400)).fill(value))
  const after = new Float32Array(100).fill(5)
  const block = kernels.allocate(400)
  for (const [model, left] of [
    [models[0]!, 4],
    [models[1]!, 3],
    [models[0]!, 4],
    [models[1]!.subarray(0, 50), 3],
  ] as const) {
    const out = block.float32().subarray(0, model.length)
    subtract(after.subarray(0, model.length), model, out)
    expect(new Set(out)).toEqual(new Set([left]))
  }
  block.release()
})

test('the norm of an update does not depend on where it lies', () => {
  const screens = { maxNorm: 1e300, maxSampleWeight: 1 }
  fc.assert(
    fc.property(lengths, fc.nat(), (length, seed) => {
      const rows = rowsOf(2, length, seed)
      const { addresses, release } = placed(kernels, rows)
      const plain = updateScreen(screens)
      const there = updateScreen(screens, kernels)
      for (const [i, row] of rows.entries()) {
        plain.add(row)
        expect(kernels.squares({ row: addresses[i]!, length })).toBeGreaterThanOrEqual(0)
        const view = kernels.allocate(4 * length)
        view.float32().set(row)
        there.add(view.float32().subarray(0, length))
        view.release()
      }
      expect(there.norm).toBe(plain.norm)
      release()
    }),
    { numRuns: 60 },
  )
})

test('a value that is not finite is refused in the kernels’ memory as anywhere', () => {
  const block = kernels.allocate(40)
  const values = block.float32()
  values[9] = Number.NaN
  const screen = updateScreen({ maxNorm: 1, maxSampleWeight: 1 }, kernels)
  expect(() => screen.add(values)).toThrowError(expect.objectContaining({ code: 'update.not-finite' }))
  block.release()
})

test('lanes are added and taken away modulo 2³², and nothing behind them is touched', () => {
  fc.assert(
    fc.property(lengths, fc.nat(), fc.constantFrom<1 | -1>(1, -1), (length, seed, sign) => {
      const random = nodeCrypto.keystream(nodeCrypto.sha256(utf8(`${seed}`)))
      const blocks = [1, 2].map(() => kernels.allocate(4 * (length + 8)))
      const [lanes, others] = blocks.map((block) => {
        block.uint8().set(random.next(4 * (length + 8)))
        return block.uint8().slice()
      }) as [Uint8Array, Uint8Array]
      kernels.addLanes({ out: blocks[0]!.address, other: blocks[1]!.address, length, sign })
      const [before, other, after] = [lanes, others, blocks[0]!.uint8().slice()].map(
        (bytes) => new Uint32Array(bytes.buffer),
      ) as [Uint32Array, Uint32Array, Uint32Array]
      const expected = before.map((lane, i) => (i < length ? lane + sign * other[i]! : lane))
      expect(Buffer.from(after.buffer).equals(Buffer.from(expected.buffer))).toBe(true)
      for (const block of blocks) block.release()
    }),
    { numRuns: 60 },
  )
})

describe('masks in the kernels', () => {
  const plain = maskArithmeticOf(nodeCrypto)
  const there = maskArithmeticIn(kernels, nodeCrypto)
  const masksOf = (count: number, seed: number) =>
    Array.from({ length: count }, (_, i) => ({
      key: nodeCrypto.sha256(utf8(`${seed} ${i}`)),
      sign: (seed + i) % 3 === 0 ? (-1 as const) : (1 as const),
    }))

  test('give the sums of the plain loops, for all numbers of masks, lengths and beginnings', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(300)),
        lengths,
        fc.integer({ min: 0, max: 20_000 }),
        fc.nat(),
        (count, length, offset, seed) => {
          const masks = masksOf(count, seed)
          // A part of a vector that begins where no kernel’s address would.
          const whole = Uint32Array.from({ length: length + 3 }, (_, i) => Math.imul(i, 2_654_435_761))
          const [expected, found] = [whole.slice(), whole.slice()]
          plain.addMasks(masks, expected.subarray(1, 1 + length), offset)
          there.addMasks(masks, found.subarray(1, 1 + length), offset)
          expect(Buffer.from(found.buffer).equals(Buffer.from(expected.buffer))).toBe(true)
          const none = found.subarray(1, 1 + length)
          there.addMasks(
            masks.map(({ key, sign }) => ({ key, sign: sign === 1 ? -1 : 1 })),
            none,
            offset,
          )
          expect(Buffer.from(found.buffer).equals(Buffer.from(whole.buffer))).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('leave nothing of a keystream behind in the memory that all kernels share', () => {
    const own = createKernels({ threads: 0 })
    const handed: { address: number; bytes: number }[] = []
    const spying = {
      ...own,
      allocate: (bytes: number) => {
        const block = own.allocate(bytes)
        handed.push(block)
        return block
      },
      addLanes: (job: Parameters<typeof own.addLanes>[0]) => own.addLanes(job),
    } as typeof own
    maskArithmeticIn(spying, nodeCrypto).addMasks(masksOf(3, 1), new Uint32Array(20_000))
    expect(handed.length).toBe(2)
    for (const block of handed as ReturnType<typeof own.allocate>[]) {
      expect(block.uint8().every((byte) => byte === 0)).toBe(true)
    }
  })
})

test('vectors are added modulo 2³²', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff)), { maxLength: 20 }), (pairs) => {
      const lanes = Uint32Array.from(pairs, ([a]) => a)
      addVector(
        lanes,
        Uint32Array.from(pairs, ([, b]) => b),
      )
      expect(lanes).toEqual(Uint32Array.from(pairs, ([a, b]) => a + b))
    }),
  )
})
