import { z } from 'zod'
import { resourceDescriptorSchema, type Statement, sha256Subject, statementKind } from './statement.ts'

/** in-toto test result v0.1 (in-toto/attestation, `spec/predicates/test-result.md`): what an evaluator found, under its own key. */
export const TEST_RESULT_TYPE = 'https://in-toto.io/attestation/test-result/v0.1'

const testNames = z.array(z.string().min(1).max(200)).max(1_000)

const predicateSchema = z
  .object({
    result: z.enum(['PASSED', 'WARNED', 'FAILED']),
    configuration: z.array(resourceDescriptorSchema).min(1).max(100),
    url: z.string().max(2_000).nullish(),
    passedTests: testNames.nullish(),
    warnedTests: testNames.nullish(),
    failedTests: testNames.nullish(),
  })
  .transform(({ result, configuration, url, passedTests, warnedTests, failedTests }) => ({
    result,
    configuration,
    ...(url ? { url } : {}),
    passedTests: passedTests ?? [],
    warnedTests: warnedTests ?? [],
    failedTests: failedTests ?? [],
  }))
  .superRefine(({ result, passedTests, warnedTests, failedTests }, context) => {
    const all = [...passedTests, ...warnedTests, ...failedTests]
    if (new Set(all).size !== all.length) context.addIssue({ code: 'custom', message: 'a test is named twice' })
    const expected = resultOf(warnedTests, failedTests)
    // Who reads only the result must not come to another conclusion than who reads the lists.
    if (result !== expected) context.addIssue({ code: 'custom', message: `the tests say ${expected}, not ${result}` })
  })
export type TestResultPredicate = z.output<typeof predicateSchema>
export type TestResult = Statement<TestResultPredicate>

const kind = statementKind(TEST_RESULT_TYPE, predicateSchema)

/** `overridden`: failed, and let pass with reasons by two members; `not-evaluable` counts as failed. */
export type GateOutcome = {
  readonly gate: string
  readonly verdict: 'pass' | 'fail' | 'not-evaluable' | 'overridden'
}

export type GateFacts = {
  /** SHA-256 of `model.safetensors`: a candidate has no other name yet. */
  readonly weights: string
  /** SHA-256 of the gates' definition, and of the manifest of the data that was evaluated on. */
  readonly gateDefinitions: string
  readonly evaluationData: string
  readonly gates: readonly GateOutcome[]
}

/** The payload of `gates/<evaluator>.json`, in canonical JSON. Throws `request.invalid`. */
export function testResultPayload({ weights, gateDefinitions, evaluationData, gates }: GateFacts): Uint8Array {
  const of = (...verdicts: readonly GateOutcome['verdict'][]) =>
    gates.filter(({ verdict }) => verdicts.includes(verdict)).map(({ gate }) => gate)
  const [warnedTests, failedTests] = [of('overridden'), of('fail', 'not-evaluable')]
  return kind.write([sha256Subject('model.safetensors', weights)], {
    result: resultOf(warnedTests, failedTests),
    configuration: [
      { name: 'gates', digest: { sha256: gateDefinitions } },
      { name: 'evaluation-data', digest: { sha256: evaluationData } },
    ],
    passedTests: of('pass'),
    warnedTests,
    failedTests,
  })
}

function resultOf(warned: readonly string[], failed: readonly string[]): 'PASSED' | 'WARNED' | 'FAILED' {
  return failed.length > 0 ? 'FAILED' : warned.length > 0 ? 'WARNED' : 'PASSED'
}

/** Reads the payload of a test result. Throws `verify.failed`. Verify its signature first. */
export function readTestResult(payload: Uint8Array): TestResult {
  return kind.read(payload)
}
