/** A share of the dealer's secret, given by the holder, that was wrong; `holder` is null when no set of shares gave the secret. */
export type Dispute = { readonly dealer: string; readonly holder: string | null }

/**
 * Whom to blame. The coordinator cannot tell a holder that gives a wrong share from a dealer that dealt one, but one liar is
 * in many disputes: whoever is in most of them is named, and its disputes are settled; a single dispute names both.
 */
export function culpritsOf(disputes: readonly Dispute[]): string[] {
  const culprits = new Set(disputes.filter(({ holder }) => holder === null).map(({ dealer }) => dealer))
  let open = disputes.filter(({ dealer, holder }) => holder !== null && !culprits.has(dealer))
  while (open.length > 0) {
    const counts = new Map<string, number>()
    for (const { dealer, holder } of open) {
      for (const one of new Set([dealer, holder ?? dealer])) counts.set(one, (counts.get(one) ?? 0) + 1)
    }
    const most = Math.max(...counts.values())
    for (const [one, count] of counts) if (count === most) culprits.add(one)
    open = open.filter(({ dealer, holder }) => !culprits.has(dealer) && !culprits.has(holder ?? dealer))
  }
  return [...culprits].sort()
}
