import { catalogue, isErrorCode } from '../../core/errors/catalogue/index.ts'
import type { RunListing } from '../../core/run/listing.ts'
import { shortDigest, timeText } from '../format.ts'

export type Tone = 'good' | 'bad' | 'warn' | 'plain'

/** A word of state. Its colour says nothing that the word does not. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: string }) {
  return <span class={`badge ${tone}`}>{children}</span>
}

export function Time({ at }: { readonly at: string }) {
  return <time dateTime={at}>{timeText(at)}</time>
}

export function Digest({ of }: { readonly of: string }) {
  return <code title={of}>{shortDigest(of)}</code>
}

/** A code with the catalogue's hint. */
export function Code({ code, message }: { readonly code: string; readonly message?: string | undefined }) {
  const hint = isErrorCode(code) ? catalogue[code].hint : undefined
  return (
    <>
      <code>{code}</code>
      {message !== undefined && ` ${message}`}
      {hint !== undefined && <span class="hint"> {hint}</span>}
    </>
  )
}

type Standing = Pick<RunListing, 'phase' | 'paused' | 'outcome'>

export function runTone({ phase, paused, outcome }: Standing): Tone {
  if (phase !== 'over') return paused === undefined ? 'plain' : 'warn'
  return outcome?.kind === 'published' ? 'good' : outcome?.kind === 'failed' ? 'bad' : 'warn'
}

/** Where a run stands, in a few words. */
export function runWord({ phase, paused, outcome }: Standing): string {
  if (phase !== 'over') {
    if (paused === undefined) return phase
    return phase === 'waiting' ? 'paused' : `${phase}, then paused`
  }
  return outcome?.kind === 'published' ? `published v${outcome.version}` : (outcome?.kind ?? 'over')
}
