import { readFile } from 'node:fs/promises'
import { Agent, fetch as fetchThrough } from 'undici'
import { connectTo, type ProxyChoice, patienceFor, proxyFor } from '../client/index.ts'
import { type ErrorCode, isErrorCode, ParleyError } from '../core/errors/index.ts'
import { homeOf } from './home.ts'
import { type NetworkOptions, proxyOf } from './network-options.ts'
import { existing } from './secret-files.ts'

export const DEFAULT_URL = 'http://127.0.0.1:7080'

export type RemoteOptions = Omit<NetworkOptions, 'ca'> & {
  readonly url: string
  readonly home?: string
  readonly tokenFile?: string
  /** File with the certificate of the coordinator's authority, PEM. */
  readonly ca?: string
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

export type LoginBody = { readonly name: string; readonly password: string; readonly code?: string }

/** The coordinator's HTTP API, as commands use it. Errors that it answers come back as the same ParleyError. */
export class RemoteCoordinator {
  readonly #url: string
  readonly #token: string | undefined
  /** For coordinators that an authority of their own has certified, and for those behind a proxy. */
  readonly #dispatcher: Agent | undefined
  /** Of the session of a member who has logged in. */
  #cookie: string | undefined

  private constructor(url: string, token: string | undefined, ca?: string, proxy: ProxyChoice = {}) {
    this.#url = url
    this.#token = token
    this.#dispatcher = dispatcherOf(url, ca, proxy)
  }

  /** Without a token only what is public can be read. */
  static async connect(options: RemoteOptions): Promise<RemoteCoordinator> {
    const { url, home, tokenFile, ca: file } = options
    const path = tokenFile ?? (home === undefined ? undefined : homeOf(home).adminToken)
    const token = path === undefined ? undefined : await readToken(path)
    const own = home === undefined ? undefined : await existing(homeOf(home).authority.certificate)
    const ca = file === undefined ? own : await readToken(file)
    // A coordinator with an authority of its own speaks TLS, also on this machine.
    const address = ca !== undefined && url === DEFAULT_URL ? DEFAULT_URL.replace('http:', 'https:') : url
    return new RemoteCoordinator(address.replace(/\/+$/, ''), token, ca, await proxyOf(options))
  }

  /** Logs a member in, over TLS or on this machine. Throws `config.insecure`, `auth.failed`, `auth.too-often`. */
  static async logIn(url: string, body: LoginBody): Promise<RemoteCoordinator> {
    const coordinator = new RemoteCoordinator(url.replace(/\/+$/, ''), undefined)
    if (!isPrivate(url)) throw new ParleyError('config.insecure', `no password is sent to ${url} in clear text`)
    await coordinator.send('POST', '/v1/session', body)
    return coordinator
  }

  logOut(): Promise<unknown> {
    return this.request('DELETE', '/v1/session')
  }

  /** The JSON that is answered to JSON. */
  send(method: Method, path: string, body: object): Promise<unknown> {
    return this.json(method, path, { type: 'application/json', text: JSON.stringify(body) })
  }

  async json(method: Method, path: string, body?: { readonly type: string; readonly text: string }): Promise<unknown> {
    return (await this.request(method, path, body)).json()
  }

  async request(
    method: Method,
    path: string,
    body?: { readonly type: string; readonly text: string },
    headers: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const response = await this.#fetch(`${this.#url}${path}`, {
      method,
      headers: {
        ...headers,
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...this.#asPage(),
        ...(body === undefined ? {} : { 'content-type': body.type }),
      },
      ...(body === undefined ? {} : { body: body.text }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (!response.ok && response.status !== 304) throw await failureOf(response)
    this.#cookie = response.headers.get('set-cookie')?.split(';', 1)[0] ?? this.#cookie
    return response
  }

  /** What a page of the coordinator sends with its session. */
  #asPage(): Readonly<Record<string, string>> {
    if (this.#cookie === undefined) return {}
    return { cookie: this.#cookie, origin: new URL(this.#url).origin, 'x-parley-request': '1' }
  }

  /** The JSON of each `data:` line of a stream of server-sent events. */
  async *events(path: string, signal: AbortSignal): AsyncGenerator<unknown> {
    const response = await this.request('GET', path, undefined, { accept: 'text/event-stream' }, signal)
    const decoder = new TextDecoder()
    let rest = ''
    for await (const bytes of response.body ?? []) {
      rest += decoder.decode(bytes as Uint8Array, { stream: true })
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data:')) yield JSON.parse(line.slice(5))
    }
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      if (this.#dispatcher === undefined) return await fetch(url, init)
      const options = { ...init, dispatcher: this.#dispatcher } as Parameters<typeof fetchThrough>[1]
      return (await fetchThrough(url, options)) as unknown as Response
    } catch (cause) {
      if (init.signal?.aborted === true) throw new ParleyError('interrupted', undefined, { cause })
      // What a proxy or a certificate is refused for has a name of its own.
      const inner = cause instanceof Error ? cause.cause : undefined
      if (inner instanceof ParleyError && inner.code !== 'session.unreachable') throw inner
      throw new ParleyError('coordinator.unreachable', `no answer from ${this.#url}`, { cause })
    }
  }
}

const CONNECT_MS = 30_000

function dispatcherOf(url: string, ca: string | undefined, proxy: ProxyChoice): Agent | undefined {
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target === undefined || (ca === undefined && proxyFor(target, proxy) === undefined)) return undefined
  const network = { proxy, tls: ca === undefined ? {} : { ca } }
  return new Agent({
    connect: (_options, opened) => {
      connectTo(target, network, patienceFor(CONNECT_MS)).then(
        (socket) => opened(null, socket),
        (failure: Error) => opened(failure, null),
      )
    },
  })
}

/** Whether nobody on the way to an address can read what is sent. */
function isPrivate(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new ParleyError('config.invalid', `the token file ${path} cannot be read`, { cause })
  }
}

async function failureOf(response: Response): Promise<ParleyError> {
  const body = (await response.json().catch(() => ({}))) as { error?: { code?: unknown; message?: unknown } }
  const { code, message } = body.error ?? {}
  const known: ErrorCode = typeof code === 'string' && isErrorCode(code) ? code : 'internal'
  return new ParleyError(known, typeof message === 'string' ? message : `the coordinator answered ${response.status}`)
}
