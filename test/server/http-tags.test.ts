/** Words that people give to versions: who may, which ones, and where they are seen. */
import { describe, expect, it } from 'vitest'
import { parseTag, tagKeyField, tagValueField } from '../../core/release/tags.ts'
import { failure, publish, running } from './http-fixtures.ts'

const PATH = '/v1/models/heart/versions/1/tags'

async function published() {
  const server = await running()
  for (const round of [1, 2]) await publish(server.store, round)
  const tag = (body: object, path = PATH) => server.admin('POST', path, JSON.stringify(body), 'application/json')
  const seen = async (path = PATH) => (await (await server.get(path)).json()) as Record<string, unknown>
  return { ...server, tag, seen }
}

describe('tags of a version', () => {
  it('are set, changed and taken away by who bears the token, and everybody sees them and who changed what', async () => {
    const { tag, seen, url, log } = await published()
    expect(await failure(await fetch(url + PATH, { method: 'POST', body: '{}' }))).toMatchObject({ status: 401 })
    const first = await (await tag({ key: 'site', value: 'north' })).json()
    expect(first).toMatchObject({ change: { number: 1, key: 'site', value: 'north', previous: null, actor: 'host' } })
    expect(await (await tag({ key: 'site', value: 'north' })).json()).toEqual({ change: null })
    await tag({ key: 'site', value: 'south' })
    await tag({ key: 'kept', value: '' })
    expect(await seen()).toMatchObject({
      tags: [
        { key: 'kept', value: '' },
        { key: 'site', value: 'south' },
      ],
      changes: [{ value: 'north' }, { previous: 'north', value: 'south', actor: 'host' }, { key: 'kept' }],
    })
    await tag({ key: 'site', value: null })
    expect(await failure(await tag({ key: 'site', value: null }))).toMatchObject({ code: 'object.not-found' })
    expect((await seen()).tags).toEqual([{ key: 'kept', value: '' }])
    expect(log()).toContain('a tag of a version was changed')
  })

  it('change nothing of what is signed', async () => {
    const { tag, get } = await published()
    const text = async (path: string) => (await get(`/v1/models/heart/versions/1${path}`)).text()
    const before = [await text('/envelope'), await text('/files/model/README.md')]
    await tag({ key: 'site', value: 'north' })
    expect([await text('/envelope'), await text('/files/model/README.md')]).toEqual(before)
  })

  it('are found over all versions', async () => {
    const { tag, seen } = await published()
    const other = PATH.replace('/1/', '/2/')
    await tag({ key: 'site', value: 'a b&c=d' })
    await tag({ key: 'site', value: 'x' }, other)
    const found = await seen(`/v1/tags?${new URLSearchParams({ key: 'site', value: 'a b&c=d' })}`)
    expect(found).toEqual({ tags: [{ model: 'heart', number: 1, key: 'site', value: 'a b&c=d' }], more: false })
    expect((await seen('/v1/tags?key=site')).tags).toHaveLength(2)
    expect((await seen('/v1/tags')).tags).toHaveLength(2)
    expect((await seen('/v1/tags?value=none')).tags).toEqual([])
  })

  it('are in no answer of a version that there is not', async () => {
    const { tag, get } = await published()
    const absent = PATH.replace('/1/', '/9/')
    expect(await failure(await get(absent))).toMatchObject({ code: 'object.not-found' })
    expect(await failure(await tag({ key: 'a', value: 'b' }, absent))).toMatchObject({ code: 'object.not-found' })
  })

  it('take one form of letters that look the same', async () => {
    const { tag, seen } = await published()
    await tag({ key: 'A\u0308rzte', value: 'e\u0301' })
    await tag({ key: '\u00c4rzte', value: '\u00e9' })
    expect((await seen()).tags).toEqual([{ key: '\u00c4rzte', value: '\u00e9' }])
  })

  it.each([
    ['no name', { key: '', value: 'x' }],
    ['an equals sign in the name', { key: 'a=b', value: 'x' }],
    ['a name that is too long', { key: 'x'.repeat(251), value: 'x' }],
    ['a value that is too long', { key: 'a', value: 'x'.repeat(5_001) }],
    ['a line in the value', { key: 'a', value: 'x\ny' }],
    ['an escape sequence', { key: 'a', value: '\u001b[2J' }],
    ['a control of eight bits', { key: 'a', value: '\u009b2J' }],
    ['text that turns around', { key: 'a', value: 'x\u202ey' }],
    ['a letter of no width', { key: 'a\u200bb', value: 'x' }],
    ['half a letter', { key: 'a', value: '\ud800' }],
    ['space around it', { key: ' a', value: 'x' }],
    ['no value', { key: 'a' }],
    ['a value that is no text', { key: 'a', value: 1 }],
    ['something else', { key: 'a', value: 'x', more: 1 }],
    ['an actor who is none', { key: 'a', value: 'x', actor: 'a b' }],
  ])('with %s are refused', async (_what, body) => {
    const { tag, seen } = await published()
    expect(await failure(await tag(body))).toMatchObject({ status: 400, code: 'request.invalid' })
    expect((await seen()).tags).toEqual([])
  })

  it('may be as long as they may be, counted in characters', async () => {
    const { tag, seen } = await published()
    const [key, value] = ['𝒜'.repeat(250), '𝒷'.repeat(5_000)]
    expect((await tag({ key, value })).status).toBe(200)
    expect((await seen()).tags).toEqual([{ key, value }])
    expect(tagKeyField.safeParse(`${key}𝒜`).success).toBe(false)
    expect(tagValueField.safeParse(`${value}𝒷`).success).toBe(false)
  })
})

it.each([
  ['a=b', { key: 'a', value: 'b' }],
  ['a=', { key: 'a', value: '' }],
  ['a=b=c', { key: 'a', value: 'b=c' }],
  ['a', undefined],
  ['=b', undefined],
  ['', undefined],
  ['a=\u0007', undefined],
])('%j is read as %j', (words, tag) => {
  expect(parseTag(words)).toEqual(tag)
})
