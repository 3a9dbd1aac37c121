import { mkdir, rm } from 'node:fs/promises'
import { startingModel } from '../../client/index.ts'
import { toHex } from '../../core/encoding/bytes.ts'
import { systemClock } from '../../core/system-clock.ts'
import { createLogger, openDurableStore, type RunningCoordinator, startCoordinator } from '../../server/index.ts'
import { addClient, coordinatorAuditOf, homeOf, identityOf, readClients, releaseSignerOf } from '../home.ts'
import type { Output } from '../output.ts'
import { secretFile } from '../secret-files.ts'
import { version } from '../version.ts'
import { type ClientProcess, startClientProcess } from './client-process.ts'
import type { Participant } from './examples.ts'

/** The coordinator of a demonstration, and the key by which it is known. */
export type Embedded = { readonly running: RunningCoordinator; readonly publicKey: Uint8Array }

export async function startEmbedded(folder: string, participants: readonly Participant[]): Promise<Embedded> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const home = homeOf(folder)
  const identity = await identityOf(home)
  // The participants are new at each call; the coordinator, and the versions that it has published, stay.
  await rm(home.clients, { force: true })
  for (const { name, home: own } of participants) {
    await addClient(home.clients, { id: name, publicKey: toHex((await identityOf(homeOf(own))).publicKey) })
  }
  const running = await startCoordinator({
    store: await openDurableStore({ folder: home.store }),
    audit: await coordinatorAuditOf(home, identity),
    identity,
    sealingSecret: await secretFile(home.sealingSecret),
    adminToken: toHex(await secretFile(home.adminToken)),
    releaseSigner: await releaseSignerOf(home),
    allowList: (await readClients(home.clients)).list,
    initialModel: startingModel,
    grpcPort: 0,
    httpPort: 0,
    parleyVersion: version,
    // The log would get between the lines that people look at.
    logger: createLogger({ now: systemClock.now, level: 'silent' }),
    onFatal: (error) => {
      throw error
    },
  })
  return { running, publicKey: identity.publicKey }
}

/** Starts a participant's process; what it tells of itself is shown. */
export function startParticipant(
  { name, home, data, carrier }: Participant,
  { running, publicKey }: Embedded,
  output: Output,
): ClientProcess {
  const key = toHex(publicKey)
  const args = ['--home', home, '--coordinator', running.urls[carrier], '--coordinator-key', key, '--data', data]
  return startClientProcess(name, args, (event) => {
    if (event.type === 'connected')
      output.say(`${name}: connected over ${String(event.carrier)}, private folder ${home}`)
    if (event.type === 'data') output.say(`${name}: ${String(event.used)} of ${String(event.rows)} rows usable`)
    if (event.type === 'declined') output.say(`${name}: declined: ${JSON.stringify(event.error)}`)
    if (event.type === 'training' && event.done === 1) output.event({ event: 'trained', client: name, ...event })
  })
}
