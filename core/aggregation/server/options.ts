import { z } from 'zod'

/** The step size η of the coordinator. */
export const learningRate = z.number().gt(0).max(100).describe('share of the direction that is added to the weights')

/** The decay of an average over the rounds. */
export const decay = z.number().min(0).lt(1)

/** Far enough from zero that a step along any finite direction is finite. */
export const tau = z.number().min(1e-9).max(1).default(1e-3).describe('adaptivity: the smaller, the more adaptive')
