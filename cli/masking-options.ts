import type { Command } from 'commander'
import { type Masking, maskingPolicy } from '../client/index.ts'
import { toHex } from '../core/encoding/bytes.ts'
import { ParleyError } from '../core/errors/index.ts'
import { bucketSurvivors } from '../core/plan/privacy.ts'
import type { ServerClass } from '../core/secagg/index.ts'
import { type ListedClient, parseClients } from './home.ts'
import { countOption, readableOption, readText, shareOption } from './options.ts'

/** What a client accepts of rounds whose updates are masked. */
export type MaskingOptions = {
  readonly peers?: string
  readonly minKnownPeers?: number
  readonly minBucket?: number
  readonly minBucketSurvivors?: number
  readonly minCorrupt?: number
  readonly coordinatorMay?: string
  readonly unsafeTrustCoordinatorForPeerKeys?: boolean
}

type Server = Exclude<ServerClass, 'none'>
const servers: readonly Server[] = ['semi-honest', 'semi-malicious', 'malicious']

/** Known identities that are asked for in a bucket, unless less is asked for in all. */
const USUAL_SURVIVORS = 5

export function withMaskingOptions(one: Command): Command {
  return one
    .option('--peers <file>', 'the other clients and their keys, as in clients.json, got over another channel')
    .option(
      '--min-known-peers <n>',
      'fewest clients of that list in a sum, itself included; by default no others are in it',
      countOption,
    )
    .option('--min-bucket <n>', 'smallest bucket of a masked round; by default 8', countOption)
    .option('--min-bucket-survivors <n>', 'fewest clients with which a bucket may be opened', countOption)
    .option('--min-corrupt <share>', 'share of colluding clients that masked rounds must withstand', shareOption)
    .option(
      '--coordinator-may <class>',
      `what masked rounds must withstand of the coordinator: ${servers.join(', ')}`,
      readableOption(serverOf),
    )
    .option(
      '--unsafe-trust-coordinator-for-peer-keys',
      'take part in masked rounds without knowing the others: a coordinator that invents clients sees the update',
    )
}

/** Whether peers are named. Throws `request.invalid` for limits of rounds that are declined anyhow. */
export function takesMasked({
  peers,
  unsafeTrustCoordinatorForPeerKeys: unsafe = false,
  ...limits
}: MaskingOptions): boolean {
  if (peers !== undefined || unsafe) return true
  const names = ['minKnownPeers', 'minBucket', 'minBucketSurvivors', 'minCorrupt', 'coordinatorMay'] as const
  if (names.every((name) => limits[name] === undefined)) return false
  throw new ParleyError('request.invalid', 'limits of masked rounds need --peers: without it they are declined')
}

/** Undefined where no peers are named: masked rounds are declined then. Throws `config.invalid` and `request.invalid`. */
export async function maskingOf(
  options: MaskingOptions,
  own: Uint8Array,
  minCohort: number | undefined,
): Promise<Masking | undefined> {
  if (!takesMasked(options)) return undefined
  const { peers, unsafeTrustCoordinatorForPeerKeys: unsafe = false, ...limits } = options
  const clients = peers === undefined ? [] : parseClients(await readText(peers), peers).clients
  const masking: Masking = {
    known: Object.fromEntries(clients.map(({ id, publicKey }) => [id, publicKey])),
    ...(limits.minCorrupt === undefined ? {} : { corrupted: limits.minCorrupt }),
    ...(limits.coordinatorMay === undefined ? {} : { server: serverOf(limits.coordinatorMay) }),
    ...knownOf(unsafe ? 1 : limits.minKnownPeers),
    buckets: bucketsOf(limits, unsafe ? 1 : limits.minKnownPeers),
  }
  check(masking, clients, own, minCohort, peers)
  return masking
}

function knownOf(minKnown: number | undefined): Pick<Masking, 'minKnown'> {
  return minKnown === undefined ? {} : { minKnown }
}

function bucketsOf({ minBucket, minBucketSurvivors }: MaskingOptions, minKnown: number | undefined) {
  // A client that accepts a bucket accepts what plans make of it by themselves.
  const usual =
    minBucket === undefined ? USUAL_SURVIVORS : Math.min(USUAL_SURVIVORS, bucketSurvivors({ size: minBucket }))
  const minSurvivors = minBucketSurvivors ?? usual
  return {
    ...(minBucket === undefined ? {} : { minSize: minBucket }),
    minSurvivors,
    minKnown: Math.min(minSurvivors, minKnown ?? minSurvivors),
  }
}

/** A policy that no round could fulfil is found at the start. */
function check(
  masking: Masking,
  clients: readonly ListedClient[],
  own: Uint8Array,
  minCohort: number | undefined,
  path = '',
): void {
  const others = clients.filter(({ publicKey }) => publicKey !== toHex(own)).length
  const { minKnown } = policyOf(masking, minCohort)
  if (others + 1 >= minKnown) return
  throw new ParleyError(
    'config.invalid',
    `${path} lists ${others} other clients, and with this one ${minKnown} must be known in a sum: list more, or lower --min-cohort or --min-known-peers`,
  )
}

function policyOf(masking: Masking, minCohort: number | undefined) {
  try {
    return maskingPolicy(masking, minCohort)
  } catch (failure) {
    if (failure instanceof RangeError) throw new ParleyError('request.invalid', failure.message, { cause: failure })
    throw failure
  }
}

function serverOf(text: string): Server {
  const found = servers.find((one) => one === text)
  if (found === undefined) throw new ParleyError('request.invalid', `--coordinator-may is one of ${servers.join(', ')}`)
  return found
}
