import { fedadagrad } from './fedadagrad.ts'
import { fedadam } from './fedadam.ts'
import { fedavg } from './fedavg.ts'
import { fedavgm } from './fedavgm.ts'
import { fedyogi } from './fedyogi.ts'

/** Every server optimizer by its name in a plan. */
export const serverOptimizers = { fedavg, fedavgm, fedadagrad, fedadam, fedyogi } as const
export type ServerOptimizerName = keyof typeof serverOptimizers
