/** Attack vectors of the project's shared data: byzfl's, in float64 (see its README). */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { AttackName } from '../../sim/attacks/registry.ts'
import { root } from '../support/source-files.ts'
import { sent, viewOf } from './attacks-input.ts'

const file = join(process.env.PARLEY_SHARED ?? join(root, '../shared'), 'fixtures/robust.json')
const missing = !existsSync(file)
if (missing) console.log(`skipped: the reference attacks are not in ${file}`)

type Fixture = {
  readonly n: number
  readonly f: number
  readonly inputs: number[][]
  readonly attacks: Record<string, number[]>
}
const fixture: Fixture | undefined = missing ? undefined : JSON.parse(readFileSync(file, 'utf8'))

describe.skipIf(missing)('ByzFL sends the same', () => {
  const cases: readonly [name: AttackName, options: object, reference: string][] = [
    ['sign-flip', {}, 'SignFlipping'],
    ['inner-product', { tau: 2 }, 'IPM(tau=2)'],
    ['inner-product', {}, 'IPM(tau=2)'],
    ['alie', { z: 1.5 }, 'ALIE(tau=1.5)'],
    ['alie', {}, 'ALIE(tau=1.5)'],
    ['mimic', { client: 0 }, 'Mimic(0)'],
  ]
  test.each(cases)('%s %o', async (name, options, reference) => {
    const { n, f, inputs, attacks } = fixture!
    const honest = inputs.slice(0, n - f).map((row) => Float32Array.from(row))
    const vector = await sent(name, options, viewOf(honest, { attackers: f }))
    const expected = attacks[reference]!
    expect(vector.length).toBe(expected.length)
    for (const [j, value] of expected.entries()) expect(Math.abs(vector[j]! - value)).toBeLessThan(1e-6)
  })
})
