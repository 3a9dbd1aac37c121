import type { Command } from 'commander'
import { type DataFiles, type EngineName, engineNames, type WayOut } from '../client/index.ts'
import { ParleyError } from '../core/errors/index.ts'
import { type NetworkOptions, withNetworkOptions } from './network-options.ts'
import { keyOption, listOption, readText } from './options.ts'

/** What a client is started with, and looked at with before. */
export type ClientOptions = NetworkOptions & {
  readonly home: string
  readonly coordinator?: readonly string[]
  readonly coordinatorKey?: Uint8Array
  readonly data?: string
  readonly policy?: string
  readonly unsafeAllowAnyPlan?: boolean
  readonly labels?: string
  readonly engine?: string
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly allowClearTextBeyondLoopback?: boolean
}

export function withClientOptions(one: Command): Command {
  return withNetworkOptions(one)
    .option('--home <folder>', 'folder of its key and its memory of rounds, controls and privacy', '.parley/client')
    .option(
      '--coordinator <url>',
      'grpc://, grpcs://, ws:// or wss:// address, or https:// for both on one port; may stand several times, the preferred one first; by default those of the invitation',
      listOption,
    )
    .option(
      '--coordinator-key <hex>',
      'its public key, got over another channel; by default that of the invitation',
      keyOption,
    )
    .option('--policy <file>', 'what this client may do, signed by its site; by default policy.yaml in its folder')
    .option('--unsafe-allow-any-plan', 'no policy: do whatever the pinned coordinator asks')
    .option('--data <file>', 'a table, or the images of a pair of IDX files; by default what the policy’s studies name')
    .option('--labels <file>', 'the labels of a pair of IDX files')
    .option('--engine <name>', `training engine: ${engineNames.join(', ')}; by default the fastest that works here`)
    .option('--tls-ca <file>', 'authority of the coordinator’s certificate, PEM')
    .option('--tls-cert <file>', 'own certificate, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--allow-clear-text-beyond-loopback', 'connect without TLS to another machine')
}

/** The data that the client is started with; undefined where its policy is to name it. */
export function dataOf({ data, labels, unsafeAllowAnyPlan }: ClientOptions): DataFiles | undefined {
  if (data !== undefined) return labels === undefined ? { csv: data } : { images: data, labels }
  if (labels !== undefined) throw new ParleyError('request.invalid', '--labels belongs to images that --data names')
  if (unsafeAllowAnyPlan !== true) return undefined
  throw new ParleyError('request.invalid', 'without a policy nothing names the data: give --data')
}

export function engineOf(text: string): EngineName {
  const name = engineNames.find((one) => one === text)
  if (name === undefined) throw new ParleyError('request.invalid', `--engine is one of ${engineNames.join(', ')}`)
  return name
}

/** How the coordinator is dialled; `authority` is that of the federation which the client has joined, PEM. */
export async function dialOptionsOf(
  options: ClientOptions,
  authority: string | undefined,
  { proxy, gatewayCa }: WayOut,
) {
  const pem = options.tlsCa === undefined ? authority : await readText(options.tlsCa)
  const ca = pem === undefined ? {} : { ca: pem }
  const cert = options.tlsCert === undefined ? {} : { cert: await readText(options.tlsCert) }
  const key = options.tlsKey === undefined ? {} : { key: await readText(options.tlsKey) }
  return {
    tls: { ...ca, ...cert, ...key, ...(gatewayCa === undefined ? {} : { gatewayCa }) },
    ...(proxy === undefined ? {} : { proxy }),
    allowClearTextBeyondLoopback: options.allowClearTextBeyondLoopback === true,
    warn: (message: string) => void process.stderr.write(`parley: ${message}\n`),
  }
}
