/** Whether every value of a vector is a finite number; a call for each value would take as long as a step of training. */
export function allFinite(values: Float32Array): boolean {
  let zero = 0
  // Zero times a finite number is zero; times anything else it is NaN, which stays.
  for (let i = 0; i < values.length; i++) zero += 0 * (values[i] as number)
  return zero === 0
}
