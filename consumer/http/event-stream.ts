import { concatBytes, fromUtf8 } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'

export type ServerEvent = {
  /** `message` where the server gives it no name. */
  readonly type: string
  readonly data: string
  /** The last id that the stream gave, which a reader names when it comes back. */
  readonly id: string | undefined
}

const [LF, CR] = [0x0a, 0x0d]

/**
 * Reads a stream of server-sent events (HTML standard, section 9.2.6). Throws `verify.failed` for a line of more than
 * `maxBytes`, for as much without an event, and for what is not UTF-8: a stream is to fill no memory and waste no time.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<ServerEvent> {
  let [type, data, bytes]: [string, string[], number] = ['', [], 0]
  let id: string | undefined
  for await (const line of linesOf(body, maxBytes)) {
    bytes += line.length + 1
    if (bytes > maxBytes) throw tooLong(maxBytes)
    if (line === '') {
      if (data.length > 0) {
        bytes = 0
        yield { type: type === '' ? 'message' : type, data: data.join('\n'), id }
      }
      ;[type, data] = ['', []]
      continue
    }
    const colon = line.indexOf(':')
    // A comment, which keeps the connection alive and says nothing.
    if (colon === 0) continue
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') type = value
    else if (name === 'data') data.push(value)
    else if (name === 'id' && !value.includes('\0') && value.length <= 100) id = value
  }
}

/** Lines without their ends: LF, CR, or both. A line that the stream does not end is none. */
async function* linesOf(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let [length, first, afterCr] = [0, true, false]
  const line = () => {
    const text = decoded(concatBytes(...parts))
    ;[parts, length] = [[], 0]
    const out = first ? text.replace(/^\uFEFF/, '') : text
    first = false
    return out
  }
  for await (const piece of body) {
    let from = 0
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at]
      const wasCr = afterCr
      afterCr = byte === CR
      if (byte === LF && wasCr) from = at + 1
      else if (byte === LF || byte === CR) {
        parts.push(piece.subarray(from, at))
        length += at - from
        if (length > maxBytes) throw tooLong(maxBytes)
        yield line()
        from = at + 1
      }
    }
    // Pieces are kept as copies: small views would hold on to large buffers.
    if (from < piece.length) parts.push(piece.slice(from))
    length += piece.length - from
    if (length > maxBytes) throw tooLong(maxBytes)
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new ParleyError('verify.failed', 'the stream of events is not UTF-8', { cause })
  }
}

function tooLong(maxBytes: number): ParleyError {
  return new ParleyError('verify.failed', `the stream of events has ${maxBytes} bytes without an event`)
}
