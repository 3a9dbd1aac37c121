import { createHash, X509Certificate } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Invitation } from '../../core/enrolment/invitation.ts'
import { type EnrolmentAnswer, enrolmentAnswerSchema } from '../../core/enrolment/messages.ts'
import { type ErrorCode, isErrorCode, ParleyError } from '../../core/errors/index.ts'
import { isLoopback } from '../../core/wire/address.ts'
import { patienceFor, type TlsWith } from '../network/connect.ts'
import type { ProxyChoice } from '../network/proxy.ts'
import { connectionOf } from '../network/web.ts'
import { type ClientKey, enrolmentRequest, renewalRequest } from './request.ts'

const DSSE = 'application/vnd.dsse.envelope.v1+json'
const MOST_BYTES = 256 * 1024
const TIMEOUT_MS = 30_000

/** What a request needs to reach the coordinator: its HTTP address, and the certificate of its authority as PEM where there is TLS. */
export type Registrar = WayOut & { readonly http: string; readonly authority: string | undefined }

/** What stands between a client and its coordinator: as in `DialOptions` and `ClientTls`. */
export type WayOut = { readonly proxy?: ProxyChoice; readonly gatewayCa?: string }

/**
 * The authority of the invitation, fetched from the coordinator and held against the fingerprint: only that one call trusts nobody.
 * Throws `enrolment.authority-mismatch`, `coordinator.unreachable`, and `config.insecure` for clear text beyond this machine.
 */
export async function registrarOf(
  { http, authority }: Pick<Invitation, 'http' | 'authority'>,
  out: WayOut = {},
): Promise<Registrar> {
  if (authority === null) {
    if (!isLoopback(new URL(http).hostname))
      throw new ParleyError('config.insecure', `${http} would travel in clear text`)
    return { ...out, http, authority: undefined }
  }
  const pem = (await exchange(`${http}/v1/authority`, { out, trust: { kind: 'unverified' } })).toString('utf8')
  if (fingerprintOf(pem) !== authority) throw new ParleyError('enrolment.authority-mismatch')
  return { ...out, http, authority: pem }
}

/** Asks to be enrolled, or how that stands: the same call. */
export async function askToJoin(
  registrar: Registrar,
  invitation: Pick<Invitation, 'client' | 'secret'>,
  key: ClientKey,
  now: number,
): Promise<EnrolmentAnswer> {
  return post(registrar, '/v1/enrolments', await enrolmentRequest(key, invitation, now))
}

/** Asks for a new certificate. */
export async function askToRenew(
  registrar: Registrar,
  client: string,
  key: ClientKey,
  now: number,
): Promise<EnrolmentAnswer> {
  return post(registrar, '/v1/enrolments/renewals', await renewalRequest(key, client, now))
}

async function post({ http, authority, ...out }: Registrar, path: string, body: Uint8Array): Promise<EnrolmentAnswer> {
  const answer = await exchange(`${http}${path}`, { out, trust: { kind: 'authority', pem: authority }, body })
  const parsed = enrolmentAnswerSchema.safeParse(jsonOf(answer))
  if (!parsed.success)
    throw new ParleyError('coordinator.unreachable', `${http} answered in another form than it should`)
  return parsed.data
}

function fingerprintOf(pem: string): string | undefined {
  try {
    return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')
  } catch {
    return undefined
  }
}

type Exchange = {
  readonly out: WayOut
  /** The authority that must have certified the coordinator; none on loopback without TLS. Unverified: what comes is held against a fingerprint. */
  readonly trust: { readonly kind: 'authority'; readonly pem: string | undefined } | { readonly kind: 'unverified' }
  readonly body?: Uint8Array
}

function exchange(url: string, { out, trust, body }: Exchange): Promise<Buffer> {
  const tls = url.startsWith('https:')
  const options = {
    method: body === undefined ? 'GET' : 'POST',
    headers: body === undefined ? {} : { 'content-type': DSSE, 'content-length': body.length },
    timeout: TIMEOUT_MS,
    createConnection: connectionOf(new URL(url), { ...out, tls: tlsOf(trust, out) }, patienceFor(TIMEOUT_MS)),
  }
  return new Promise((resolve, reject) => {
    const unreachable = (cause: unknown) =>
      reject(
        cause instanceof ParleyError && cause.code !== 'session.unreachable'
          ? cause
          : new ParleyError('coordinator.unreachable', `no answer from ${new URL(url).origin}`, { cause }),
      )
    const request = (tls ? requestHttps : requestHttp)(url, options, (response) => {
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > MOST_BYTES) request.destroy(new Error('the answer is too large'))
        else parts.push(part)
      })
      response.on('error', unreachable)
      response.on('end', () => {
        const whole = Buffer.concat(parts)
        if (response.statusCode !== undefined && response.statusCode < 300) resolve(whole)
        else reject(failureIn(whole, response.statusCode))
      })
    })
    request.on('timeout', () => request.destroy(new Error('nothing came')))
    request.on('error', unreachable)
    request.end(body)
  })
}

function tlsOf(trust: Exchange['trust'], { gatewayCa }: WayOut): TlsWith {
  if (trust.kind === 'unverified') return { unverified: true }
  return { ...(trust.pem === undefined ? {} : { ca: trust.pem }), ...(gatewayCa === undefined ? {} : { gatewayCa }) }
}

/** The JSON of a body; undefined for what is none. */
function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function failureIn(body: Buffer, status: number | undefined): ParleyError {
  // A proxy on the way may answer in its own words.
  type Failure = { readonly error?: { readonly code?: unknown; readonly message?: unknown } | null } | null | undefined
  const { code, message } = (jsonOf(body) as Failure)?.error ?? {}
  const known: ErrorCode = typeof code === 'string' && isErrorCode(code) ? code : 'coordinator.unreachable'
  return new ParleyError(known, typeof message === 'string' ? message : `the coordinator answered ${status}`)
}
