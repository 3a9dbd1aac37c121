/** Number of a value on a tape. */
export type Term = number

/**
 * Reverse-mode differentiation of numbers (Griewank and Walther, Evaluating derivatives, 2008), in float64: each operation is
 * written down with its slopes, and nothing here knows of layers.
 */
export class Tape {
  readonly #values: number[] = []
  readonly #from: (readonly Term[])[] = []
  readonly #slopes: (readonly number[])[] = []
  /** The least distance of a value to a place where a slope jumps, over all that was computed. */
  margin = Number.POSITIVE_INFINITY

  value(term: Term): number {
    return this.#values[term]!
  }

  /** A number of its own: a weight or a constant. */
  number(value: number): Term {
    return this.#put(value, [], [])
  }

  add(a: Term, b: Term): Term {
    return this.#put(this.value(a) + this.value(b), [a, b], [1, 1])
  }

  multiply(a: Term, b: Term): Term {
    return this.#put(this.value(a) * this.value(b), [a, b], [this.value(b), this.value(a)])
  }

  /** factor · a + shift. */
  linear(a: Term, factor: number, shift = 0): Term {
    return this.#put(factor * this.value(a) + shift, [a], [factor])
  }

  /** A function of one number, with its derivative there. */
  apply(a: Term, value: (x: number) => number, slope: (x: number) => number): Term {
    const x = this.value(a)
    return this.#put(value(x), [a], [slope(x)])
  }

  /** The larger of both where they are at a kink: the first where they are equal. */
  maximum(a: Term, b: Term): Term {
    this.near(this.value(a) - this.value(b))
    return this.value(b) > this.value(a) ? b : a
  }

  /** Notes how far a value is from a place where a slope jumps; none of those that lie exactly there. */
  near(distance: number): void {
    if (distance !== 0) this.margin = Math.min(this.margin, Math.abs(distance))
  }

  sum(terms: readonly Term[]): Term {
    return this.#put(
      terms.reduce((sum, term) => sum + this.value(term), 0),
      terms,
      terms.map(() => 1),
    )
  }

  /** Derivatives of `result` with respect to each term. */
  derivatives(result: Term): Float64Array {
    const adjoints = new Float64Array(this.#values.length)
    adjoints[result] = 1
    for (let term = result; term >= 0; term--) {
      const adjoint = adjoints[term]!
      if (adjoint === 0) continue
      const slopes = this.#slopes[term]!
      this.#from[term]!.forEach((from, i) => {
        adjoints[from]! += adjoint * slopes[i]!
      })
    }
    return adjoints
  }

  #put(value: number, from: readonly Term[], slopes: readonly number[]): Term {
    this.#from.push(from)
    this.#slopes.push(slopes)
    return this.#values.push(value) - 1
  }
}
