import { ParleyError } from '../../errors/index.ts'

/**
 * δ is the chance that the promise of ε fails outright. At 1/population a mechanism may publish one client's data whole and
 * still keep it, so it has to lie below.
 *
 * @throws RangeError unless 0 < δ < 1.
 * @throws ParleyError `plan.infeasible` unless δ < 1/population.
 */
export function checkDelta(delta: number, population: number): void {
  if (!(delta > 0 && delta < 1)) throw new RangeError(`δ lies between 0 and 1, not at ${delta}`)
  if (!(delta * population < 1)) {
    throw new ParleyError(
      'plan.infeasible',
      `δ = ${delta} is no promise to one of ${population}: take less than 1 in that`,
    )
  }
}
