import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase64, fromHex, toBase64, toHex } from '../../core/encoding/bytes.ts'

test('hex and base64 are those of Node, and read back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      expect(fromHex(toHex(bytes))).toEqual(bytes)
      expect(fromBase64(toBase64(bytes))).toEqual(bytes)
    }),
  )
})

test('base64 that is not the one encoding of its bytes is none', () => {
  const canonical = (text: string) => Buffer.from(text, 'base64').toString('base64') === text
  const letters = fc.constantFrom(...'AB/+9=Zé-\n ')
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 12 }), (characters) => {
      const text = characters.join('')
      expect(fromBase64(text) !== undefined).toBe(canonical(text))
    }),
    { numRuns: 2_000 },
  )
  for (const text of ['AA=', 'AAA', 'AB==', 'AAB=', '====', 'A===', 'AA==AA==', 'ā===']) {
    expect(fromBase64(text)).toBeUndefined()
  }
})

test.each(['0', 'AA', '0g', 'é0', '00 '])('%s is no lower-case hex', (text) => {
  expect(fromHex(text)).toBeUndefined()
})
