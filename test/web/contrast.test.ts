/** The colours of the pages against WCAG 2.1, level AA. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../support/source-files.ts'

const css = readFileSync(join(root, 'web/style.css'), 'utf8')
const [light = '', dark = ''] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => block)

function coloursOf(block: string): ReadonlyMap<string, string> {
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name!, value!]))
}

/** Relative luminance (WCAG 2.1). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(first: string, second: string): number {
  const [low = 0, high = 0] = [luminance(first), luminance(second)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

const text = 4.5
const shape = 3
const pairs: readonly (readonly [front: string, ground: string, least: number])[] = [
  ...['text', 'muted', 'link', 'bad'].flatMap((one) => [
    [one, 'ground', text] as const,
    [one, 'raised', text] as const,
  ]),
  ['on-strong', 'strong', text],
  ...['good', 'bad', 'warn'].map((one) => [one, `${one}-ground`, text] as const),
  ['text', 'bad-ground', text],
  ['muted', 'bad-ground', text],
  ['good', 'ground', text],
  ['field', 'ground', shape],
  ...[1, 2, 3, 4, 5].map((one) => [`curve-${one}`, 'ground', shape] as const),
]

describe.each([
  ['light', light],
  ['dark', dark],
])('in the %s', (_name, block) => {
  const colours = coloursOf(block)
  test.each(pairs)('%s on %s has a contrast of at least %d', (front, ground, least) => {
    expect(contrast(colours.get(front)!, colours.get(ground)!)).toBeGreaterThanOrEqual(least)
  })
})
