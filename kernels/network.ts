/**
 * Sorting networks, and what is left of them when only some of the sorted values matter. A network is a list of pairs of
 * wires, two numbers each: the smaller value goes to the first of them.
 */
export type Network = Uint32Array

/** A network that sorts n values: the smallest ends up on wire 0. */
export function sortingNetwork(n: number): Network {
  return smallest(n, (pairs) => pairs)
}

/**
 * A network after which the wires `from` to before `to` hold the values of these ranks in *some* order, each wire of
 * `from` and `to` counted from 0. Those below and above may be in any order as well.
 */
export function selectionNetwork(n: number, from: number, to: number): Network {
  return smallest(n, (pairs) => pruned(pairs, n, (wire) => (wire < from ? 0 : wire < to ? 1 : 2)))
}

/**
 * Batcher's network for the next power of two, with values below all others on its first wires and above all others on
 * its last: comparators of those wires never do anything. How many there are at each end changes what is left.
 */
function smallest(n: number, prune: (pairs: Network) => Network): Network {
  const size = 2 ** Math.ceil(Math.log2(n))
  const whole = batcher(size)
  let best: Network | undefined
  for (let first = 0; first + n <= size; first++) {
    const pairs: number[] = []
    for (let at = 0; at < whole.length; at += 2) {
      const a = (whole[at] as number) - first
      const b = (whole[at + 1] as number) - first
      if (a >= 0 && b < n) pairs.push(a, b)
    }
    const network = prune(Uint32Array.from(pairs))
    if (best === undefined || network.length < best.length) best = network
  }
  return best ?? new Uint32Array(0)
}

/** Batcher's odd-even mergesort of `size` values, a power of two (AFIPS 1968; Knuth 5.2.2, algorithm M). */
function batcher(size: number): Network {
  const pairs: number[] = []
  for (let sorted = 1; sorted < size; sorted *= 2) {
    for (let distance = sorted; distance >= 1; distance /= 2) {
      for (let start = distance % sorted; start + distance < size; start += 2 * distance) {
        for (let wire = start; wire < start + distance; wire++) {
          const pair = wire + distance
          const sameHalf = Math.floor(wire / (2 * sorted)) === Math.floor(pair / (2 * sorted))
          if (sameHalf && pair < size) pairs.push(wire, pair)
        }
      }
    }
  }
  return Uint32Array.from(pairs)
}

/**
 * Leaves out, from the end, comparators of two wires of the same class that none after them reads: they change which of
 * the two holds which value, not what the class holds.
 */
function pruned(pairs: Network, n: number, classOf: (wire: number) => number): Network {
  const read = new Uint8Array(n)
  const kept: number[] = []
  for (let at = pairs.length - 2; at >= 0; at -= 2) {
    const a = pairs[at] as number
    const b = pairs[at + 1] as number
    if (read[a] === 0 && read[b] === 0 && classOf(a) === classOf(b)) continue
    read[a] = 1
    read[b] = 1
    kept.push(b, a)
  }
  return Uint32Array.from(kept.reverse())
}
