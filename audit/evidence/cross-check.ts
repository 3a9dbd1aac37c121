import type { AliasRecord } from '../../core/attestation/alias-record.ts'
import type { Manifest } from '../../core/release/manifest.ts'
import type { Fact, LogFacts } from './facts.ts'
import { bundlePaths, nameOfVersion } from './format.ts'
import type { EvidenceProblem } from './problem.ts'

/** Where the log speaks; its files have names of their own. */
const LOG = 'audit'

/** What the log says of a version that verifies: that it was published so, out of a run that began with its plan. */
export function* versionProblems(facts: LogFacts, manifest: Manifest): Generator<EvidenceProblem> {
  const { run, round, weights, model, plan } = manifest
  const name = nameOfVersion(manifest)
  const path = bundlePaths.version(manifest)
  const published = facts.publications.get(name) ?? []
  if (published.length === 0) yield unrecorded(path, `no record says that ${name} was published`)
  for (const { seq, details } of published) {
    yield* differing(seq, `the publication of ${name}`, details, { run, round, weights })
  }
  const started = facts.starts.get(run) ?? []
  if (started.length === 0) yield unrecorded(path, `no record says that its run ${run} began`)
  for (const { seq, details } of started) yield* differing(seq, `the beginning of ${run}`, details, { model, plan })
}

export type UpdateOfVersion = { readonly round: number; readonly client: string; readonly sha256: string }

/**
 * What the log says of the updates that a version was made of. One that is on no record is counted, and is no problem: a crash may
 * have come between a run’s journal and its log, and records of other clients may be redacted.
 */
export function updateProblems(
  facts: LogFacts,
  run: string,
  updates: readonly UpdateOfVersion[],
): { readonly problems: readonly EvidenceProblem[]; readonly unrecorded: number } {
  const problems: EvidenceProblem[] = []
  let missing = 0
  for (const { round, client, sha256 } of updates) {
    const accepted = facts.updates.get(`${run}/${round} ${client}`) ?? []
    if (accepted.length === 0) missing++
    for (const { seq, details } of accepted) {
      problems.push(...differing(seq, `the update of ${client} in ${run}/${round}`, details, { sha256 }))
    }
  }
  return { problems, unrecorded: missing }
}

/** What the log says of the moves of a model’s aliases; `roots` of its versions in the bundle, by their numbers. */
export function* aliasProblems(
  facts: LogFacts,
  model: string,
  records: readonly AliasRecord[],
  roots: ReadonlyMap<number, string>,
): Generator<EvidenceProblem> {
  const path = bundlePaths.aliases(model)
  const known = new Set<string>()
  for (const { alias, sequence, number, root } of records) {
    const name = `${model}@${alias}`
    known.add(`${name} ${sequence}`)
    const move = `move ${sequence} of ${name}`
    const found = (facts.moves.get(name) ?? []).filter(({ details }) => details.sequence === sequence)
    if (found.length === 0) yield unrecorded(path, `no record of ${move}`)
    for (const { seq, details } of found) yield* differing(seq, move, details, { version: number })
    const signed = roots.get(number)
    if (signed === undefined || signed === root) continue
    yield {
      kind: 'differs',
      code: 'evidence.mismatch',
      path,
      message: `${move} names the root ${root} for version ${number}, which has ${signed}`,
    }
  }
  for (const [name, moves] of facts.moves) {
    if (!name.startsWith(`${model}@`)) continue
    for (const { seq, details } of moves) {
      if (known.has(`${name} ${details.sequence}`)) continue
      const message = `record ${seq} is of move ${details.sequence} of ${name}, which is not in the history`
      yield { kind: 'missing', code: 'evidence.mismatch', path, seq, message }
    }
  }
}

function* differing(
  seq: number,
  what: string,
  details: Fact['details'],
  expected: Fact['details'],
): Generator<EvidenceProblem> {
  for (const [name, value] of Object.entries(expected)) {
    if (details[name] === value) continue
    const message = `record ${seq}, ${what}, has ${name} ${details[name] ?? 'nothing'}, and not ${value}`
    yield { kind: 'differs', code: 'evidence.mismatch', path: LOG, seq, message }
  }
}

function unrecorded(path: string, message: string): EvidenceProblem {
  return { kind: 'unrecorded', code: 'evidence.mismatch', path, message }
}
