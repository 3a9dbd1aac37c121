import type { Network } from './network.ts'

/** Bytes of a row in a tile of the columns kernel. */
const ROW_BYTES = 64

/** Comparators on two or four wires; the numbers of the forms are those of kernels/assembly/columns.ts. */
type Group = { readonly form: 0 | 1 | 2 | 3; readonly wires: readonly number[] }

/**
 * A network as the columns kernel reads it: the same comparators, in an order that differs only where it makes no
 * difference, in groups whose rows are loaded and stored once. That saves more than a third of the loads and stores.
 */
export function programOf(network: Network, n: number): Uint32Array {
  const words: number[] = []
  let count = -1
  for (const { form, wires } of groupsOf(network, n)) {
    if (words[count - 1] === form) words[count] = (words[count] ?? 0) + 1
    else count = words.push(form, 1) - 1
    words.push(...wires.map((wire) => wire * ROW_BYTES))
  }
  return Uint32Array.from(words)
}

function* groupsOf(network: Network, n: number): Generator<Group> {
  const left = new Waiting(network, n)
  while (left.count > 0) {
    let found = false
    for (const shape of [fourOf, mergeOf]) {
      for (let wire = 0; wire < n; wire++) {
        const group = shape(left, wire)
        if (group === undefined) continue
        found = true
        left.take(group.comparators)
        yield group
      }
    }
    if (found) continue
    const comparator = left.firstReady()
    left.take([comparator])
    yield { form: 0, wires: [left.low(comparator), left.high(comparator)] }
  }
}

type Found = Group & { readonly comparators: readonly number[] }

/** (a b) (c d) (a c) (b d), and (b c) where it follows. */
function fourOf(left: Waiting, a: number): Found | undefined {
  const ab = left.next(a)
  const ac = left.next(a, 1)
  if (ab === undefined || ac === undefined || !left.isReady(ab) || left.low(ab) !== a || left.low(ac) !== a) {
    return undefined
  }
  const b = left.high(ab)
  const c = left.high(ac)
  const cd = left.next(c)
  const bd = left.next(b, 1)
  if (cd === undefined || bd === undefined || !left.isReady(cd) || left.low(cd) !== c || left.next(c, 1) !== ac) {
    return undefined
  }
  const d = left.high(cd)
  if (left.low(bd) !== b || left.high(bd) !== d || left.next(d, 1) !== bd) return undefined
  const comparators = [ab, cd, ac, bd]
  const wires = [a, b, c, d]
  const bc = left.next(b, 2)
  const closes = bc !== undefined && left.low(bc) === b && left.high(bc) === c && left.next(c, 2) === bc
  return closes ? { form: 3, wires, comparators: [...comparators, bc] } : { form: 2, wires, comparators }
}

/** (a c) (b d) (b c) */
function mergeOf(left: Waiting, a: number): Found | undefined {
  const ac = left.next(a)
  if (ac === undefined || !left.isReady(ac) || left.low(ac) !== a) return undefined
  const c = left.high(ac)
  const bc = left.next(c, 1)
  if (bc === undefined || left.high(bc) !== c) return undefined
  const b = left.low(bc)
  const bd = left.next(b)
  if (bd === undefined || bd === ac || !left.isReady(bd) || left.low(bd) !== b || left.next(b, 1) !== bc)
    return undefined
  return { form: 1, wires: [a, b, c, left.high(bd)], comparators: [ac, bd, bc] }
}

/** The comparators of a network, each wire's in their order, as they are taken away from the front. */
class Waiting {
  count: number
  readonly #network: Network
  readonly #onWire: number[][]
  readonly #taken: Uint8Array

  constructor(network: Network, n: number) {
    this.#network = network
    this.count = network.length / 2
    this.#taken = new Uint8Array(this.count)
    this.#onWire = Array.from({ length: n }, () => [])
    network.forEach((wire, at) => {
      this.#onWire[wire]?.push(at >> 1)
    })
  }

  low(comparator: number): number {
    return this.#network[2 * comparator] as number
  }

  high(comparator: number): number {
    return this.#network[2 * comparator + 1] as number
  }

  /** The next comparator of a wire, or one after it. */
  next(wire: number, after = 0): number | undefined {
    return this.#onWire[wire]?.[after]
  }

  /** Whether nothing has to be done before it. */
  isReady(comparator: number): boolean {
    return this.next(this.low(comparator)) === comparator && this.next(this.high(comparator)) === comparator
  }

  firstReady(): number {
    // The first that is left always is: only comparators before it could have to be done before it.
    return this.#taken.indexOf(0)
  }

  take(comparators: readonly number[]): void {
    for (const comparator of comparators) {
      this.#taken[comparator] = 1
      this.#onWire[this.low(comparator)]?.shift()
      this.#onWire[this.high(comparator)]?.shift()
    }
    this.count -= comparators.length
  }
}
