/** The coordinator's API, as a page of the same origin asks it. */

/** What was refused, with the catalogue's code and hint; `unreachable` where no answer came at all. */
export class Refusal extends Error {
  readonly code: string
  readonly hint: string
  readonly status: number

  constructor(code: string, message: string, hint: string, status: number) {
    super(message)
    this.name = 'Refusal'
    this.code = code
    this.hint = hint
    this.status = status
  }

  static from(thrown: unknown): Refusal {
    if (thrown instanceof Refusal) return thrown
    return new Refusal('internal', thrown instanceof Error ? thrown.message : String(thrown), 'Load the page again.', 0)
  }
}

export type Answer<Value> = { readonly status: number; readonly value: Value }

type Body = { readonly type: string; readonly text: string }

let ended = () => {}
/** What happens when the coordinator does not know who asks any more. */
export function onSessionEnd(listener: () => void): void {
  ended = listener
}

/** The coordinator's clock minus this one, in milliseconds, to a second. */
let offset = 0
export function coordinatorNow(): number {
  return Date.now() + offset
}

export function json(value: object): Body {
  return { type: 'application/json', text: JSON.stringify(value) }
}

export async function send(
  method: string,
  path: string,
  body?: Body,
  signal: AbortSignal | null = null,
): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      redirect: 'error',
      signal,
      headers: { 'x-parley-request': '1', ...(body === undefined ? {} : { 'content-type': body.type }) },
      ...(body === undefined ? {} : { body: body.text }),
    })
  } catch (failure) {
    if (signal?.aborted === true) throw failure
    throw new Refusal('unreachable', 'The coordinator does not answer.', 'It is asked again by itself.', 0)
  }
  const date = Date.parse(response.headers.get('date') ?? '')
  if (Number.isFinite(date) && Math.abs(date - Date.now() - offset) > 1_500) offset = date - Date.now()
  if (response.ok) return response
  const refusal = await refusalOf(response)
  if (refusal.code === 'auth.failed') noteRefusal(path)
  throw refusal
}

/** What guards an account may have been proved wrongly there, in a session that goes on: that is asked for. */
function noteRefusal(path: string): void {
  if (path === '/v1/session') return
  if (!path.startsWith('/v1/session/')) return ended()
  send('GET', '/v1/session').catch((failure: unknown) => {
    if (failure instanceof Refusal && failure.status === 401) ended()
  })
}

/** Sends, and reads the answer as JSON; its form is the coordinator's word, which the page takes. */
export async function ask<Value>(method: string, path: string, body?: Body): Promise<Answer<Value>> {
  const response = await send(method, path, body)
  const text = await response.text()
  return { status: response.status, value: (text === '' ? undefined : JSON.parse(text)) as Value }
}

export async function get<Value>(path: string): Promise<Value> {
  return (await ask<Value>('GET', path)).value
}

/** A path of the API with its names as they may stand in one. */
export function apiPath(...parts: readonly (string | number)[]): string {
  return `/v1/${parts.map((part) => encodeURIComponent(String(part))).join('/')}`
}

async function refusalOf(response: Response): Promise<Refusal> {
  const { status } = response
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string; hint: string } }
    return new Refusal(error.code, error.message, error.hint, status)
  } catch {
    return new Refusal('unreachable', `Something answered with ${status}.`, 'A proxy between may be at fault.', status)
  }
}
