import { describe, expect, it } from 'vitest'
import { canonicalPlan } from '../../../core/plan/parse.ts'
import { planOf } from '../../support/plans.ts'

const withRollout = (rollout: string) => planOf({ extra: `publish: { rollout: ${rollout} }` })
const ERROR_RATE = 'metrics: [{ metric: error-rate, margin: 0.01 }]'

describe('a plan’s rollout', () => {
  it('has defaults, stands in the plan’s text and so in its digest, and changes nothing where it is absent', () => {
    const plan = withRollout(`{ ${ERROR_RATE} }`)
    expect(plan.publish.rollout).toEqual({
      steps: [500, 2_500, 10_000],
      minTime: '1d',
      minOutcomes: 200,
      minConsumers: 3,
      alpha: 0.05,
      metrics: [{ metric: 'error-rate', margin: 0.01 }],
      automatic: 'rollback',
    })
    expect(canonicalPlan(plan)).toContain('"rollout":{"alpha":0.05')
    expect(canonicalPlan(planOf())).not.toContain('rollout')
  })

  it.each([
    ['{}', /publish\.rollout\.metrics/],
    ['{ metrics: [] }', /publish\.rollout\.metrics/],
    [`{ ${ERROR_RATE}, steps: [500] }`, /steps/],
    [`{ ${ERROR_RATE}, steps: [500, 2500] }`, /the last step is 10000/],
    [`{ ${ERROR_RATE}, steps: [2500, 500, 10000] }`, /the steps grow/],
    [`{ ${ERROR_RATE}, steps: [500, 500, 10000] }`, /the steps grow/],
    [`{ ${ERROR_RATE}, steps: [0, 10000] }`, /steps\.0/],
    [`{ ${ERROR_RATE}, minTime: 1 }`, /duration/],
    [`{ ${ERROR_RATE}, minConsumers: 1 }`, /minConsumers/],
    [`{ ${ERROR_RATE}, alpha: 0 }`, /alpha/],
    [`{ ${ERROR_RATE}, alpha: 0.6 }`, /alpha/],
    [`{ ${ERROR_RATE}, automatic: promote }`, /automatic/],
    [`{ ${ERROR_RATE}, autmatic: both }`, /did you mean "automatic"/],
    ['{ metrics: [{ metric: eror-rate, margin: 0.01 }] }', /did you mean "error-rate"/],
    ['{ metrics: [{ metric: recall, margin: 0 }] }', /margin/],
    ['{ metrics: [{ metric: recall, margin: 1 }] }', /margin is below 1/],
    ['{ metrics: [{ metric: p95-latency, margin: 0.1 }] }', /at least 0\.13/],
    ['{ metrics: [{ metric: recall, margin: 0.1 }, { metric: recall, margin: 0.2 }] }', /a metric stands twice/],
  ])('is refused as %s', (rollout, message) => {
    expect(() => withRollout(rollout)).toThrow(message)
  })
})
