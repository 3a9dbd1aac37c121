/** The 0-1 principle (Knuth 5.3.4, theorem Z): a network that is right for zeros and ones is right for all values. */
import { describe, expect, test } from 'vitest'
import { type Network, selectionNetwork, sortingNetwork } from '../../kernels/network.ts'
import { programOf } from '../../kernels/program.ts'

/**
 * Runs 32 inputs of zeros and ones at once, one in each bit of a wire: the smaller of two bits is their AND.
 * Returns the wires.
 */
function run(network: Network, wires: Uint32Array): Uint32Array {
  for (let at = 0; at < network.length; at += 2) {
    const a = wires[network[at]!]!
    const b = wires[network[at + 1]!]!
    wires[network[at]!] = a & b
    wires[network[at + 1]!] = a | b
  }
  return wires
}

/** Inputs of n wires, 32 at a time: all there are up to 12 wires, otherwise some of every number of ones. */
function* inputs(n: number): Generator<Uint32Array> {
  if (n <= 12) {
    for (let first = 0; first < 2 ** n; first += 32) {
      yield Uint32Array.from({ length: n }, (_, wire) => {
        let bits = 0
        for (let k = 0; k < 32; k++) bits |= (((first + k) >> wire) & 1) << k
        return bits
      })
    }
    return
  }
  let state = n
  const random = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  for (let batch = 0; batch < 60; batch++) {
    const chances = Array.from({ length: 32 }, random)
    yield Uint32Array.from({ length: n }, () =>
      chances.reduce((bits, chance, k) => bits | (+(random() < chance) << k), 0),
    )
  }
}

const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 31, 33, 64, 65, 100, 127, 130]

describe('a sorting network', () => {
  test.each(sizes)('sorts %i values', (n) => {
    const network = sortingNetwork(n)
    for (const input of inputs(n)) {
      const wires = run(network, input)
      for (let wire = 1; wire < n; wire++) expect(wires[wire - 1]! & ~wires[wire]!).toBe(0)
    }
  })

  test('of 64 values has Batcher’s 543 comparators', () => {
    expect(sortingNetwork(64).length / 2).toBe(543)
  })
})

describe('a selection network', () => {
  test.each(sizes)('of %i values leaves in the middle what belongs there', (n) => {
    const drops = n <= 12 ? Array.from({ length: Math.ceil(n / 2) }, (_, drop) => drop) : [0, 1, n >> 3, (n - 1) >> 1]
    for (const drop of drops) {
      const network = selectionNetwork(n, drop, n - drop)
      for (const input of inputs(n)) {
        // How many of the middle ranks are one in each of the 32 inputs, before and after.
        const before = Array.from({ length: 32 }, (_, k) => input.reduce((sum, bits) => sum + ((bits >>> k) & 1), 0))
        const expected = before.map((total) => Math.max(0, Math.min(n - 2 * drop, total - drop)))
        const kept = run(network, input).subarray(drop, n - drop)
        const after = Array.from({ length: 32 }, (_, k) => kept.reduce((sum, bits) => sum + ((bits >>> k) & 1), 0))
        expect(after).toEqual(expected)
      }
    }
  })

  test('is smaller than a sorting network, and nothing when all values are kept', () => {
    expect(selectionNetwork(100, 49, 51).length).toBeLessThan(0.85 * sortingNetwork(100).length)
    expect(selectionNetwork(100, 0, 100).length).toBe(0)
  })
})

describe('the program of a network', () => {
  /** What kernels/assembly/columns.ts does with it. */
  const comparatorsOf = (program: Uint32Array): Network => {
    const forms = ['ab', 'acbdbc', 'abcdacbd', 'abcdacbdbc']
    const pairs: number[] = []
    let at = 0
    while (at < program.length) {
      const [form, groups] = [program[at]!, program[at + 1]!]
      at += 2
      for (let group = 0; group < groups; group++) {
        for (const letter of forms[form]!) pairs.push(program[at + 'abcd'.indexOf(letter)]! / 64)
        at += form === 0 ? 2 : 4
      }
    }
    return Uint32Array.from(pairs)
  }

  test.each(sizes)('for %i values does the same to every wire', (n) => {
    for (const network of [sortingNetwork(n), selectionNetwork(n, n >> 3, n - (n >> 3))]) {
      const same = comparatorsOf(programOf(network, n))
      expect(same.length).toBe(network.length)
      for (const input of inputs(n)) expect(run(same, input.slice())).toEqual(run(network, input))
    }
  })
})
