/** For the default branch of an exhaustive switch: a new member of the union fails to compile here. */
export function assertNever(value: never): never {
  throw new TypeError(`a case is missing for ${JSON.stringify(value)}`)
}
