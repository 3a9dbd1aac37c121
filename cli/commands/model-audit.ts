import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDsse } from '../../core/attestation/dsse.ts'
import { readProvenance } from '../../core/attestation/provenance.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { type Manifest, versionFiles } from '../../core/release/manifest.ts'
import type { Recomputation } from '../../core/run/recomputation.ts'
import type { RoundSummary, RunView } from '../../core/run/view.ts'
import { action, command } from '../command.ts'
import { RemoteCoordinator, type RemoteOptions } from '../http-client.ts'
import { REFERENCE, resolveReference } from '../model-reference.ts'
import { keyOption } from '../options.ts'
import type { Output } from '../output.ts'
import { remote } from '../remote.ts'
import { downloadVersion, verifyFolder } from '../version-folder.ts'

/** One link of the chain from a version back to the updates that it was made of. `dropped`: the evidence is gone by policy;
 * `recorded`: it agrees with the journal, and nobody can find it out again. */
type Link = {
  readonly link: string
  readonly result: 'holds' | 'broken' | 'dropped' | 'recorded'
  readonly detail: string
}

export const audit = remote(command('audit', 'follow a version back to its updates, and compute its rounds again'))
  .argument('<version>', REFERENCE)
  .requiredOption('--key <hex>', 'public key of the coordinator, got over another channel', keyOption)
  .action(
    action<RemoteOptions & { key: Uint8Array }>(async (options, output, text = '') => {
      const coordinator = await RemoteCoordinator.connect(options)
      const reference = await resolveReference(coordinator, text)
      const folder = await mkdtemp(join(tmpdir(), 'parley-audit-'))
      const links: Link[] = []
      try {
        await downloadVersion(coordinator, reference, folder)
        for await (const link of chain(coordinator, folder, options.key, reference)) {
          links.push(link)
          output.say(lineOf(link))
          if (link.result === 'broken') break
        }
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
      return report(output, `${reference.model}/${reference.number}`, links)
    }),
  )

async function* chain(
  coordinator: RemoteCoordinator,
  folder: string,
  key: Uint8Array,
  reference: { readonly model: string; readonly number: number },
): AsyncGenerator<Link> {
  const { failed, checks, manifest } = await verifyFolder(folder, key, reference)
  const detail = checks.find(({ name }) => name === failed)?.detail
  yield link('files, signatures, attestations', failed === undefined, detail ?? `${checks.length} checks`)
  if (failed !== undefined || manifest === undefined) return
  const { run } = manifest
  const view = (await coordinator.json('GET', `/v1/runs/${run}`)) as RunView
  yield link('plan', view.plan === manifest.plan, `run ${run} has the plan ${view.plan}`)
  yield await journalLink(coordinator, folder, run)
  for (const round of view.history) {
    if (round.round > manifest.round) break
    if (round.weights !== undefined) yield await roundLink(coordinator, run, round)
  }
  yield weightsLink(view, manifest)
  yield* latencyLinks(view, manifest)
}

/** The journal of today begins with the one that the provenance attests. */
async function journalLink(coordinator: RemoteCoordinator, folder: string, run: string): Promise<Link> {
  const { payload } = parseDsse(await readFile(join(folder, versionFiles.provenance)))
  const { byproducts } = readProvenance(payload).predicate.runDetails
  const attested = byproducts.find(({ name }) => name === 'audit-checkpoint')
  const entries = Number(attested?.annotations?.sequence)
  const found = (await coordinator.json('GET', `/v1/runs/${run}/journal?entries=${entries}`)) as { digest: string }
  return link('journal', found.digest === attested?.digest?.sha256, `${entries} entries, SHA-256 ${found.digest}`)
}

async function roundLink(
  coordinator: RemoteCoordinator,
  run: string,
  { round, accepted }: RoundSummary,
): Promise<Link> {
  const name = `round ${round}`
  try {
    const body = { type: 'application/json', text: '{}' }
    const path = `/v1/runs/${run}/rounds/${round}/recompute`
    const { identical, recomputed, recorded } = (await coordinator.json('POST', path, body)) as Recomputation
    const what = `${accepted.length} updates make ${recomputed}`
    return link(name, identical, identical ? what : `${what}, and ${recorded} was recorded`)
  } catch (failure) {
    const { code, message } = ParleyError.from(failure)
    if (code === 'object.not-found') return { link: name, result: 'dropped', detail: message }
    throw failure
  }
}

/** The last link: what the version's round made is what was published. */
function weightsLink({ history }: RunView, { round, weights }: Manifest): Link {
  const made = history.find((one) => one.round === round)
  return link('weights', made?.weights === weights || made?.published === weights, `round ${round} made ${weights}`)
}

/** A time cannot be measured again: what the version says of it is held against what its round recorded. */
function* latencyLinks({ history }: RunView, { round, gates }: Manifest): Generator<Link> {
  const latency = history.find((one) => one.round === round)?.latency
  for (const { gate, metric, value } of gates) {
    if (metric !== 'latency' || value === null) continue
    const figures = latency === undefined || 'failure' in latency ? [] : latency.figures
    const found = figures.some(({ ms }) => String(ms) === value)
    yield found
      ? { link: `gate ${gate}`, result: 'recorded', detail: `${value} ms, recorded and not recomputed` }
      : link(`gate ${gate}`, false, `${value} ms, which round ${round} did not record`)
  }
}

function link(name: string, holds: boolean, detail: string): Link {
  return { link: name, result: holds ? 'holds' : 'broken', detail }
}

function lineOf({ link: name, result, detail }: Link): string {
  return `  ${result.padEnd(8)} ${name}: ${detail}`
}

function report(output: Output, version: string, links: readonly Link[]): number {
  const broken = links.find(({ result }) => result === 'broken')
  if (broken !== undefined)
    throw new ParleyError('verify.failed', `the chain of ${version} is broken at ${broken.link}: ${broken.detail}`)
  const dropped = links.filter(({ result }) => result === 'dropped').length
  const rest = dropped === 0 ? 'whole' : `whole but for ${dropped} rounds whose updates were dropped by policy`
  output.result({ version, links, dropped }, `the chain of ${version} is ${rest}`)
  return 0
}
