import { join } from 'node:path'
import { toHex } from '../../core/encoding/bytes.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { versionFiles } from '../../core/release/manifest.ts'
import type { RunView } from '../../core/run/view.ts'
import { exitCodeOf } from '../commands/run.ts'
import { RemoteCoordinator } from '../http-client.ts'
import type { Output } from '../output.ts'
import { gatesTable, metricsTable, outcomeText, roundsTable } from '../run-text.ts'
import { downloadVersion, verifyFolder } from '../version-folder.ts'
import type { Example } from './examples.ts'
import type { Embedded } from './federation.ts'

/**
 * Shows what a run came to; what it published is downloaded into `folder`, as any consumer would, and verified. Gives the exit
 * code. Fails with `verify.failed`.
 */
export async function conclude(
  view: RunView | undefined,
  folder: string,
  { metrics }: Pick<Example, 'metrics'>,
  { running, publicKey }: Embedded,
  output: Output,
): Promise<number> {
  if (view?.outcome === undefined) throw new ParleyError('interrupted', 'the run did not end')
  const { outcome, model } = view
  output.say(`\nevery evaluated round, pooled over all held-out rows:\n${roundsTable(view, metrics)}`)
  output.say(`\nthe last model, at each participant and pooled:\n${metricsTable(view, metrics)}`)
  output.say(`\n${outcomeText(view)}`)
  if (outcome.kind === 'published' || outcome.kind === 'rejected') output.say(`\n${gatesTable(outcome.gates)}`)
  if (outcome.kind !== 'published') {
    output.event({ event: 'done', outcome })
    return exitCodeOf(view)
  }
  const { version: number, weights, gates } = outcome
  const evaluated = view.history.findLast((round) => round.weights === weights)
  const published = join(folder, 'published', `${model}-${number}`)
  const remote = await RemoteCoordinator.connect({ url: running.urls.http })
  await downloadVersion(remote, { model, number }, published)
  const { checks, failed } = await verifyFolder(published, publicKey, { model, number })
  if (failed !== undefined) throw new ParleyError('verify.failed', `${published}: ${failed} does not hold`)
  const key = toHex(publicKey)
  const verify = `npx parley model verify ${published} --key ${key}`
  const card = join(published, versionFiles.card)
  const passed = checks.filter(({ result }) => result === 'pass').length
  output.say(`\ndownloaded and verified (${passed} checks): ${published}; do it again with:\n  ${verify}`)
  output.say(`its model card: ${card}`)
  const facts = { model, version: number, weights, gates, verified: checks, card, publicKey: key, verify }
  output.event({ event: 'done', ...evaluated?.pooled, ...facts })
  return 0
}
