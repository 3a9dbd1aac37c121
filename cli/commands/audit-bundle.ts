import { existsSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { type EvidenceReport, evidenceError, nameOfVersion, openBundle, verifyEvidence } from '../../audit/index.ts'
import { nodeEcdsa } from '../../core/attestation/node.ts'
import type { FileLine } from '../../core/audit/problem.ts'
import { nodeCrypto } from '../../core/crypto/node.ts'
import { ParleyError } from '../../core/errors/index.ts'
import { DEFAULT_URL, RemoteCoordinator } from '../http-client.ts'
import { resolveReference } from '../model-reference.ts'
import { readText } from '../options.ts'
import type { Output } from '../output.ts'
import { pinnedKey } from '../pinned-keys.ts'
import { printable } from '../printable.ts'
import { Pace } from '../sim-pace.ts'

export type BundleRequest = {
  readonly url?: string
  readonly home?: string
  readonly ca?: string
  readonly tokenFile?: string
  readonly client?: string
  readonly with?: readonly string[]
  readonly allVersions?: boolean
}

/** Gets a bundle from a coordinator into a file, which has its name only when it is complete. */
export async function downloadBundle(request: BundleRequest, to: string, output: Output): Promise<number> {
  const { url = DEFAULT_URL, home, ca, tokenFile, client, with: versions = [], allVersions = false } = request
  if (allVersions && versions.length > 0) throw new ParleyError('config.invalid', '--all-versions, or --with')
  if (existsSync(to)) throw new ParleyError('config.invalid', `${to} is there already`)
  const access = { ...(home === undefined ? {} : { home }), ...(ca === undefined ? {} : { ca }) }
  const token = tokenFile === undefined ? {} : { tokenFile }
  const coordinator = await RemoteCoordinator.connect({ url, ...access, ...token })
  const query = new URLSearchParams()
  for (const text of versions) query.append('version', nameOfVersion(await resolveReference(coordinator, text)))
  if (allVersions) query.set('all', 'true')
  if (client !== undefined) query.set('client', client)
  const response = await coordinator.request('GET', `/v1/evidence?${query}`)
  const part = `${to}.part`
  let bytes = 0
  const pace = paceOf(output, () => `getting the bundle: ${bytes} bytes`)
  try {
    const file = await open(part, 'wx', 0o600)
    try {
      for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        await writeAll(file, piece)
        bytes += piece.length
      }
      await file.sync()
    } finally {
      await file.close()
    }
    // What was cut on its way is found here, and not when it is needed.
    await (await openBundle(part)).close()
    await rename(part, to)
  } catch (failure) {
    await rm(part, { force: true })
    if (failure instanceof ParleyError) throw failure
    throw new ParleyError('coordinator.unreachable', `the bundle did not come whole: ${String(failure)}`, {
      cause: failure,
    })
  } finally {
    pace.end()
  }
  const next = `check it with: parley audit verify ${to} --key KEY`
  output.result({ path: to, bytes }, `${to} has ${bytes} bytes; ${next}`)
  return 0
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten
}

export type BundleKeys = {
  readonly key?: string
  readonly coordinatorKey?: string
  readonly releaseKey?: readonly string[]
}

/** Verifies a bundle, and says what it rests on. Throws the first thing that is wrong; `evidence.unpinned` without a key. */
export async function verifyBundle(
  path: string,
  { key, coordinatorKey, releaseKey }: BundleKeys,
  kept: readonly FileLine[],
  output: Output,
): Promise<number> {
  const keys = {
    audit: key === undefined ? undefined : await pinnedKey(key),
    coordinator: coordinatorKey === undefined ? undefined : await pinnedKey(coordinatorKey),
    release: releaseKey === undefined ? undefined : await Promise.all(releaseKey.map(readText)),
  }
  let doing = 'the bundle'
  const pace = paceOf(output, () => `verifying ${doing}`)
  const source = await openBundle(path)
  let report: EvidenceReport
  try {
    const progress = (what: string) => {
      doing = what
    }
    report = await verifyEvidence({ crypto: nodeCrypto, ecdsa: nodeEcdsa }, source, { keys, kept, progress })
  } finally {
    pace.end()
    await source.close()
  }
  const { problems, pinned } = report
  const wrong = evidenceError(problems)
  if (wrong !== undefined) {
    for (const { path: where, message } of problems.slice(0, MOST_LINES))
      output.say(printable(`  ${where}: ${message}`))
    if (problems.length > MOST_LINES) output.say(`  … ${problems.length - MOST_LINES} more`)
    throw wrong
  }
  const text = bundleText(report)
  if (pinned) {
    output.result(report, text)
    return 0
  }
  output.say(
    `${text}\n\nkeys of the bundle itself, vouch for nothing: whoever made the bundle could have made all of it`,
  )
  throw new ParleyError('evidence.unpinned', undefined, { details: { auditKey: report.keys.audit } })
}

const MOST_LINES = 100

function bundleText({
  log,
  versions,
  aliasMoves,
  updates,
  updatesUnrecorded,
  absent,
  keys,
  at,
}: EvidenceReport): string {
  const { records, redacted, checkpoints } = log
  const lines = [
    `the bundle is whole, and its parts say the same: ${versions.length} versions, ${aliasMoves} moves of aliases, ${records} records${redacted === 0 ? '' : ` (${redacted} redacted)`}, ${checkpoints} checkpoints`,
    `  made          ${at}`,
    `  audit key     ${keys.audit}`,
    `  coordinator   ${keys.coordinator}`,
    ...versions.map((version) => `  version       ${nameOfVersion(version)}`),
  ]
  if (updatesUnrecorded > 0) lines.push(`  ${updatesUnrecorded} of ${updates} updates are on no record that is shown`)
  if (absent.length > 0) lines.push(`  not in the bundle, though published: ${absent.slice(0, MOST_LINES).join(' ')}`)
  return lines.map(printable).join('\n')
}

function paceOf(output: Output, words: () => string): Pace {
  // With --json there is one document.
  return new Pace(output.json ? { ...output, event: () => {} } : output, words)
}
