import { askToRenew, keepRenewing, type WayOut } from '../../client/index.ts'
import { fromHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { systemClock } from '../../core/system-clock.ts'
import type { Home } from '../home.ts'
import type { Output } from '../output.ts'
import { certificateOf, clientKeyOf, type Joined, joinedOf, keepJoined } from './joined.ts'

export type FederationOptions = {
  readonly coordinator?: readonly string[]
  readonly coordinatorKey?: Uint8Array
  readonly tlsCa?: string
}

/** Where the coordinator is and by what it is known: as the options say, else as `parley client join` left it in the home. */
export type Federation = {
  readonly urls: readonly string[]
  readonly coordinatorKey: Uint8Array
  /** PEM, in the place of the option. */
  readonly ca?: string
  readonly joined?: Joined
}

/** Throws `config.invalid` where neither says it. */
export async function federationOf(
  home: Home,
  { coordinator, coordinatorKey }: FederationOptions,
): Promise<Federation> {
  const joined = await joinedOf(home)
  const key = coordinatorKey ?? (joined === undefined ? undefined : fromHex(joined.coordinator))
  const urls = coordinator ?? joined?.carriers
  if (key === undefined || urls === undefined) {
    throw new ParleyError(
      'config.invalid',
      'this client belongs to no federation: run parley client join, or give --coordinator and --coordinator-key',
    )
  }
  const ca = joined?.authority ?? undefined
  return { urls, coordinatorKey: key, ...(ca === undefined ? {} : { ca }), ...(joined === undefined ? {} : { joined }) }
}

/** Keeps the certificate of a client that has joined good while it runs; its sessions know nothing of it. */
export function renewingOf(
  home: Home,
  { joined }: Federation,
  out: WayOut,
  output: Output,
): { readonly stop: () => void } {
  if (joined === undefined) return { stop: () => {} }
  const { client, http, authority, from, until } = joined
  let kept = joined
  return keepRenewing({
    clock: systemClock,
    certificate: { from, until },
    renew: async () =>
      askToRenew(
        { ...out, http, authority: authority ?? undefined },
        client,
        await clientKeyOf(home),
        systemClock.now(),
      ),
    keep: async (answer) => {
      kept = { ...kept, ...certificateOf(answer, systemClock.now()) }
      await keepJoined(home, kept)
      output.event({ type: 'renewed', notAfter: answer.notAfter }, `the certificate is good until ${answer.notAfter}`)
    },
    onFailed: (error) =>
      output.event(
        { type: 'not-renewed', error: error.describe() },
        `the certificate was not renewed: ${error.code}: ${error.message}`,
      ),
  })
}
