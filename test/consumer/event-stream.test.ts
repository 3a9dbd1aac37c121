import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEvents, type ServerEvent } from '../../consumer/http/event-stream.ts'
import { concatBytes, utf8 } from '../../core/encoding/bytes.ts'

async function eventsOf(bytes: Uint8Array, maxBytes = 1_000, sizes: readonly number[] = [bytes.length]) {
  async function* body() {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = Math.max(1, sizes[i % sizes.length] ?? 1)
      yield bytes.subarray(at, at + size)
      at += size
    }
  }
  const events: ServerEvent[] = []
  for await (const event of readEvents(body(), maxBytes)) events.push(event)
  return events
}
const read = (text: string) => eventsOf(utf8(text))

describe('server-sent events', () => {
  it.each<[string, string, readonly (readonly [string, string])[]]>([
    ['of two lines', 'data: a\ndata: b\n\n', [['message', 'a\nb']]],
    ['with a name', 'event: alias\ndata: {}\n\n', [['alias', '{}']]],
    ['without a space', 'data:a\n\n', [['message', 'a']]],
    ['with two spaces', 'data:  a\n\n', [['message', ' a']]],
    ['without a colon', 'data\n\n', [['message', '']]],
    ['without data', 'event: alias\n\n', []],
    ['behind a comment', ': hello\n\ndata: a\n\n', [['message', 'a']]],
    ['that are not ended', 'data: a\n', []],
    ['behind a byte order mark', '\uFEFFdata: a\n\n', [['message', 'a']]],
    [
      'whose name is forgotten with the event',
      'event: x\ndata: 1\n\ndata: 2\n\n',
      [
        ['x', '1'],
        ['message', '2'],
      ],
    ],
    ['with fields that are not known', 'retry: 1\nfoo: x\ndata: a\n\n', [['message', 'a']]],
  ])('%s are read as the standard says', async (_what, text, expected) => {
    expect((await read(text)).map(({ type, data }) => [type, data])).toEqual(expected)
  })

  it('keep the last id', async () => {
    const events = await read('id: 1\ndata: a\n\ndata: b\n\nid: 2\u0000\ndata: c\n\nid\ndata: d\n\n')
    expect(events.map(({ id }) => id)).toEqual(['1', '1', '1', ''])
  })

  it('are the same however they are cut into pieces, and whatever ends their lines', async () => {
    const line = fc.constantFrom('data: ä', 'data: 😀', 'event: x', 'id: 7', ': c', '', 'data', '\u00a0')
    const end = fc.constantFrom('\n', '\r', '\r\n')
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
        end,
        async (lines, sizes, ending) => {
          // A CR at the very end is a line's end only when it is known that no LF follows: it is, for the stream ends.
          const expected = await eventsOf(utf8(lines.map((one) => `${one}\n`).join('')))
          expect(await eventsOf(utf8(lines.map((one) => `${one}${ending}`).join('')), 1_000, sizes)).toEqual(expected)
        },
      ),
    )
  })

  it.each<[string, Uint8Array]>([
    ['a line that is too long', utf8(`data: ${'x'.repeat(1_000)}\n\n`)],
    ['a line that is too long and has no end', utf8('x'.repeat(1_001))],
    ['a comment that is too long', utf8(`:${'x'.repeat(1_000)}\n\n`)],
    ['data of too many lines', utf8(`${'data: x\n'.repeat(600)}\n`)],
    ['data of too many empty lines', utf8(`${'data\n'.repeat(1_001)}\n`)],
    ['what is not UTF-8', concatBytes(utf8('data: '), Uint8Array.of(0xff, 0x0a, 0x0a))],
  ])('of %s are refused', async (_what, bytes) => {
    for (const sizes of [[bytes.length], [7], [1]]) {
      await expect(eventsOf(bytes, 1_000, sizes)).rejects.toMatchObject({ code: 'verify.failed' })
    }
  })
})
