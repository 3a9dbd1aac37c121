import { ParleyError } from '../../core/errors/index.ts'

/** A name or id of the path. Throws `request.invalid` without repeating it. */
export function nameOf(params: unknown, field: string): string {
  const value = textOf(params, field)
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(value)) {
    throw new ParleyError('request.invalid', `${field} is not a name of letters, digits, dots, dashes and underscores`)
  }
  return value
}

/** A version's number of the path. Throws `request.invalid`. */
export function numberOf(params: unknown, field: string): number {
  const value = textOf(params, field)
  if (!/^[1-9]\d{0,14}$/.test(value)) throw new ParleyError('request.invalid', `${field} is not a number from 1`)
  return Number(value)
}

function textOf(params: unknown, field: string): string {
  const value = typeof params === 'object' && params !== null ? Reflect.get(params, field) : undefined
  return typeof value === 'string' ? value : ''
}
