import { aliasField } from '../core/attestation/alias-record.ts'
import { ParleyError } from '../core/errors/index.ts'
import { idField } from '../core/run/fields.ts'

/** Which version is meant: the one an alias points at, wherever that moves, or one for ever. */
export type Reference =
  | { readonly model: string; readonly alias: string }
  | { readonly model: string; readonly number: number }

/** The alias of a reference that names none. */
const USUAL_ALIAS = 'production'

/** Reads `heart@production`, `heart/7`, or `heart`, which is `heart@production`. Throws `request.invalid`. */
export function parseReference(text: string): Reference {
  const [, model = '', sign, rest = ''] = /^([^@/]*)(?:([@/])([^@/]*))?$/.exec(text) ?? []
  if (!idField.safeParse(model).success) throw invalid(text)
  if (sign === '/') {
    if (!/^[1-9]\d{0,14}$/.test(rest)) throw invalid(text)
    return { model, number: Number(rest) }
  }
  const alias = sign === undefined ? USUAL_ALIAS : rest
  if (!aliasField.safeParse(alias).success) throw invalid(text)
  return { model, alias }
}

/** The name under which a cache keeps what is known of a reference. No alias looks like `v7`: such names are reserved. */
export function documentOf(reference: Reference): string {
  return `${reference.model}@${'alias' in reference ? reference.alias : `v${reference.number}`}`
}

function invalid(text: string): ParleyError {
  const shown = JSON.stringify(text.slice(0, 200))
  return new ParleyError('request.invalid', `${shown} is not a reference like heart@production, heart/7 or heart`)
}
