import { readFile } from 'node:fs/promises'
import { type ErrorCode, isErrorCode, ParleyError } from '../core/errors/index.ts'
import { homeOf } from './home.ts'

export const DEFAULT_URL = 'http://127.0.0.1:7080'

export type RemoteOptions = {
  readonly url: string
  readonly home?: string
  readonly tokenFile?: string
}

/** The coordinator's HTTP API, as commands use it. Errors that it answers come back as the same ParleyError. */
export class RemoteCoordinator {
  readonly #url: string
  readonly #token: string | undefined

  private constructor(url: string, token: string | undefined) {
    this.#url = url
    this.#token = token
  }

  /** Without a token only what is public can be read. */
  static async connect({ url, home, tokenFile }: RemoteOptions): Promise<RemoteCoordinator> {
    const path = tokenFile ?? (home === undefined ? undefined : homeOf(home).adminToken)
    const token = path === undefined ? undefined : await readToken(path)
    return new RemoteCoordinator(url.replace(/\/+$/, ''), token)
  }

  async json(
    method: 'GET' | 'POST',
    path: string,
    body?: { readonly type: string; readonly text: string },
  ): Promise<unknown> {
    return (await this.request(method, path, body)).json()
  }

  async request(
    method: 'GET' | 'POST',
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
        ...(body === undefined ? {} : { 'content-type': body.type }),
      },
      ...(body === undefined ? {} : { body: body.text }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (!response.ok && response.status !== 304) throw await failureOf(response)
    return response
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
      return await fetch(url, init)
    } catch (cause) {
      if (init.signal?.aborted === true) throw new ParleyError('interrupted', undefined, { cause })
      throw new ParleyError('coordinator.unreachable', `no answer from ${this.#url}`, { cause })
    }
  }
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
