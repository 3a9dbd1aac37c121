import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Random, randomOf } from '../../core/random/random.ts'

/**
 * A synthetic stand-in for the UCI Heart Disease files: four hospitals that differ in size, age, share of the sick and in what
 * they do not measure, in the same format. No row comes from a patient and no distribution was fitted to the real files;
 * it serves demonstrations and tests, never a statement about hearts.
 */
export type SyntheticHospital = {
  readonly name: string
  /** The file: 14 columns without a header, `?` for a missing value. */
  readonly text: string
}

type Hospital = {
  readonly name: string
  readonly rows: number
  readonly age: number
  readonly men: number
  readonly sick: number
  /** Share of missing values by column. */
  readonly missing: Readonly<Record<string, number>>
  /** Hospitals that did not measure cholesterol wrote 0. */
  readonly cholesterol: boolean
}

const MOSTLY = { slope: 0.6, ca: 0.98, thal: 0.85 }

const hospitals: readonly Hospital[] = [
  {
    name: 'cleveland',
    rows: 303,
    age: 54,
    men: 0.68,
    sick: 0.46,
    missing: { ca: 0.013, thal: 0.007 },
    cholesterol: true,
  },
  {
    name: 'hungarian',
    rows: 294,
    age: 48,
    men: 0.72,
    sick: 0.36,
    missing: { chol: 0.08, ...MOSTLY },
    cholesterol: true,
  },
  {
    name: 'switzerland',
    rows: 123,
    age: 55,
    men: 0.92,
    sick: 0.85,
    missing: { fbs: 0.6, ...MOSTLY },
    cholesterol: false,
  },
  {
    name: 'va',
    rows: 200,
    age: 59,
    men: 0.97,
    sick: 0.7,
    missing: { trestbps: 0.28, exang: 0.05, ...MOSTLY },
    cholesterol: true,
  },
]

/** The four hospitals of a seed (a safe integer from 0 on): the same text on every machine. */
export function syntheticHeart(seed: number): SyntheticHospital[] {
  return hospitals.map((hospital) => {
    const random = randomOf(seed, `synthetic-heart/${hospital.name}`)
    const lines = Array.from({ length: hospital.rows }, () => patient(hospital, random).join(','))
    return { name: hospital.name, text: `${lines.join('\n')}\n` }
  })
}

export const SYNTHETIC_FILE = 'synthetic-heart.data'

/** Writes each hospital's file into a folder of its own below `dir`: `<dir>/<name>/synthetic-heart.data`. Gives the paths. */
export async function writeSyntheticHeart(dir: string, seed: number): Promise<{ name: string; path: string }[]> {
  return await Promise.all(
    syntheticHeart(seed).map(async ({ name, text }) => {
      const path = join(dir, name, SYNTHETIC_FILE)
      await mkdir(join(dir, name), { recursive: true })
      await writeFile(path, text)
      return { name, path }
    }),
  )
}

/** One row. The sick are older, more often men, have the fourth kind of chest pain, a lower maximum heart rate, … */
function patient(hospital: Hospital, random: Random): (string | number)[] {
  const sick = random.uniform() < hospital.sick
  const chance = (healthy: number, ill: number) => (random.uniform() < (sick ? ill : healthy) ? 1 : 0)
  const around = (healthy: number, ill: number, deviation: number) =>
    Math.round((sick ? ill : healthy) + deviation * random.normal())
  const pick = (healthy: readonly number[], ill: readonly number[]) => choose(sick ? ill : healthy, random)
  const age = Math.min(77, Math.max(28, around(hospital.age - 2, hospital.age + 2, 8)))
  const columns: Record<string, number> = {
    age,
    sex: random.uniform() < hospital.men + (sick ? 0.02 : -0.06) ? 1 : 0,
    cp: 1 + pick([0.08, 0.28, 0.34, 0.3], [0.05, 0.08, 0.17, 0.7]),
    trestbps: Math.max(90, around(130, 134, 17)),
    chol: hospital.cholesterol ? Math.max(110, around(240, 250, 50)) : 0,
    fbs: chance(0.12, 0.18),
    restecg: pick([0.62, 0.2, 0.18], [0.52, 0.26, 0.22]),
    thalach: Math.max(60, around(178 - Math.round(age / 2), 167 - Math.round(age / 2), 20)),
    exang: chance(0.2, 0.5),
    oldpeak: Math.max(0, around(4, 12, 9)) / 10,
    slope: 1 + pick([0.6, 0.35, 0.05], [0.3, 0.6, 0.1]),
    ca: pick([0.75, 0.15, 0.06, 0.04], [0.35, 0.3, 0.2, 0.15]),
    thal: [3, 6, 7][pick([0.78, 0.05, 0.17], [0.3, 0.1, 0.6])] ?? 3,
  }
  const cells = Object.entries(columns).map(([name, value]) => {
    return random.uniform() < (hospital.missing[name] ?? 0) ? '?' : value
  })
  return [...cells, sick ? 1 + random.below(4) : 0]
}

/** An index drawn by its share. */
function choose(shares: readonly number[], random: Random): number {
  let rest = random.uniform()
  for (let i = 0; i < shares.length - 1; i++) {
    rest -= shares[i] as number
    if (rest < 0) return i
  }
  return shares.length - 1
}
