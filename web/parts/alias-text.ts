import type { AliasHolder } from '../answers.ts'

/** Basis points as percent. */
export function percentText(share: number): string {
  return `${share / 100} %`
}

/** `production → v3`, and who gets another version. */
export function aliasText({ alias, version, split }: AliasHolder): string {
  const other = split === undefined ? '' : ` (${percentText(split.share)} get v${split.number})`
  return `${alias} → v${version}${other}`
}

export function aliasesText(aliases: readonly AliasHolder[]): string {
  return aliases.map(aliasText).join(', ') || 'none'
}
