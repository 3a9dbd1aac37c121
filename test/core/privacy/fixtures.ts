/** The reference numbers of the project's shared data (see its README); tests that need them skip where it is missing. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../support/source-files.ts'

const file = join(process.env.PARLEY_SHARED ?? join(root, '../shared'), 'fixtures/dp.json')
export const missing = !existsSync(file)
if (missing) console.log(`skipped: the reference numbers of differential privacy are not in ${file}`)

type Rows<Row> = { readonly rows: readonly Row[] }
export type Stream = {
  readonly streamHead: string
  readonly bytesConsumed: number
  readonly samples: (number | string)[]
}

export type Fixtures = {
  readonly poissonGaussian: Rows<{
    q: number
    z: number
    T: number
    delta: number
    epsPld: number
    epsPldFine: number
    epsRdpExact: number
    rdpExactOrder: number
  }>
  readonly singleGaussian: Rows<{ z: number; delta: number; epsPld: number; epsRdpExact: number; epsAnalytic: number }>
  readonly rawRdp: Rows<{ q: number; z: number; alpha: number; rdp: number; rdpExact: number }>
  readonly analyticGaussian: Rows<{ eps: number; delta: number; sigma: number }>
  readonly calibration: Rows<{ q: number; T: number; eps: number; delta: number; zRdpExact: number; zPld: number }>
  readonly withoutReplacement: Rows<{ N: number; m: number; z: number; T: number; delta: number; epsRdp: number }>
  readonly treeAggregation: Rows<{ z: number; leaves: number; depth: number; delta: number; epsRdp: number }>
  readonly adaptiveClip: Rows<{ C0: number; after: { step: number; C: number }[] }>
  readonly noiseSplit: Rows<{ z: number; sigmaB: number; zDelta: number }>
  readonly discreteGaussianSampler: Rows<{
    sigmaNum: string
    sigmaDen: string
    seed: string
    turboShake: Stream
    hmacAes: Stream
  }> & { readonly sigma5ZeroSeed: { seed: string; samples: number[] } }
  readonly distributedDiscreteGaussian: Rows<{
    n: number
    sigma: number
    sensitivity: number
    d: number
    tau: number
    epsZcdp: number
    exactRdp: { alpha: number; rdp: number }[]
  }>
  readonly external: readonly { what: string; orders?: number[]; rdpExact?: number[]; eps?: number }[]
}

const nothing = { rows: [], sigma5ZeroSeed: { seed: '', samples: [] } }
const empty = Object.fromEntries(
  [
    'poissonGaussian singleGaussian rawRdp analyticGaussian calibration withoutReplacement treeAggregation',
    'adaptiveClip noiseSplit discreteGaussianSampler distributedDiscreteGaussian',
  ]
    .join(' ')
    .split(' ')
    .map((name) => [name, nothing]),
)

export const fixtures: Fixtures = missing ? { ...empty, external: [] } : JSON.parse(readFileSync(file, 'utf8'))
