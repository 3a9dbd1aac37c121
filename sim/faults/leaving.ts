import type { Trainer } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'
import type { FaultyLine } from './faulty-line.ts'

/** The trainer, which leaves with a fault of its phase, and is not heard of any more in this round: fails with `interrupted`. */
export function leaving(trainer: Trainer, line: FaultyLine): Trainer {
  return {
    ...trainer,
    train: async (request) => {
      if (!line.drops('training')) return await trainer.train(request)
      line.leave()
      throw new ParleyError('interrupted', 'the client went away')
    },
    evaluate: async (weights, signal) => {
      if (!line.drops('evaluation')) return await trainer.evaluate(weights, signal)
      line.leave()
      throw new ParleyError('interrupted', 'the client went away')
    },
  }
}
