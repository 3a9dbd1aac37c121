/** The face of the coordinator. */

import { X509Certificate } from 'node:crypto'
import { ParleyError } from '../core/errors/index.ts'
import { systemClock } from '../core/system-clock.ts'
import type { Authority, KeyPair } from './enrolment/authority.ts'
import type { AlertsConfig } from './observe/alerts/config.ts'
import type { CoordinatorConfig, RunningCoordinator } from './start.ts'
import type { DurableStoreOptions } from './store/durable/store.ts'
import type { Store } from './store/ports.ts'

export { combineUpdates } from './aggregation/combine-updates.ts'
export { type Decide, decideAside } from './aggregation/decide-elsewhere.ts'
export type { CoordinatorApi } from './api.ts'
export { collectFacts, type RecordedFacts } from './audit/recorded-facts.ts'
export { Coordinator, type CoordinatorDeps, type InitialModel } from './coordinator.ts'
export type { Authority, KeyPair } from './enrolment/authority.ts'
export { type FourEyesAct, fourEyesActs, type RequestView, usualFourEyes } from './members/four-eyes.ts'
export type { MemberView } from './members/member-view.ts'
export type { PeopleOptions } from './members/people.ts'
export { type Permission, type Role, roles, scopes } from './members/permissions.ts'
export type { TokenView } from './members/tokens.ts'
export { stepAt, totpCode } from './members/totp.ts'
export type { AlertsView } from './observe/alerts/alert.ts'
export { type CoordinatorObserver, silentObserver } from './observe/coordinator-observer.ts'
export { createLogger, type Logger } from './observe/logger.ts'
export type { RolloutState } from './registry/rollout-view.ts'
export type { RunEvent } from './rounds/event.ts'
export type { RunState } from './rounds/state.ts'
export { step } from './rounds/step.ts'
export { type AllowList, parseAllowList } from './sessions/allow-list.ts'
export type { CoordinatorConfig, RunningCoordinator } from './start.ts'
export type { DurableStoreOptions } from './store/durable/store.ts'
export { memoryStore } from './store/memory/store.ts'
export type { Store } from './store/ports.ts'

// Loaded when they are called: carriers, HTTP and the database are most of what there is to load, and a simulation needs none.

/** See `startCoordinator` of start.ts. */
export async function startCoordinator(config: CoordinatorConfig): Promise<RunningCoordinator> {
  const start = await import('./start.ts')
  return await start.startCoordinator(config)
}

/** See `readAlerts` of observe/alerts/config.ts. */
export async function readAlerts(text: string, readFile: (path: string) => Promise<string>): Promise<AlertsConfig> {
  const config = await import('./observe/alerts/config.ts')
  return await config.readAlerts(text, readFile)
}

/** See `openDurableStore` of store/durable/store.ts. */
export async function openDurableStore(options: DurableStoreOptions): Promise<Store> {
  const durable = await import('./store/durable/store.ts')
  return await durable.openDurableStore(options)
}

/** See enrolment/authority.ts. */
export async function createAuthority(name: string, now: number): Promise<KeyPair> {
  return await (await import('./enrolment/authority.ts')).createAuthority(name, now)
}

export async function openAuthority(pair: KeyPair): Promise<Authority> {
  return await (await import('./enrolment/authority.ts')).openAuthority(pair)
}

/** When a certificate ends, in milliseconds since the epoch. Throws `config.invalid`. */
export function endOf(certificate: string): number {
  try {
    return Date.parse(new X509Certificate(certificate).validTo)
  } catch (cause) {
    throw new ParleyError('config.invalid', 'a certificate is damaged', { cause })
  }
}

/** See `addFirstMember` of members/first.ts. */
export async function addFirstMember(store: Store, name: string) {
  const first = await import('./members/first.ts')
  return await first.addFirstMember(store.members, systemClock, name)
}
