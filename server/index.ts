/** The face of the coordinator. */
export type { CoordinatorApi } from './api.ts'
export {
  Coordinator,
  type CoordinatorDeps,
  type CoordinatorObserver,
  type InitialModel,
  silentObserver,
} from './coordinator.ts'
export { createLogger, type Logger } from './observe/logger.ts'
export type { RunEvent } from './rounds/event.ts'
export type { RunState } from './rounds/state.ts'
export { step } from './rounds/step.ts'
export { type AllowList, parseAllowList } from './sessions/allow-list.ts'
export { type CoordinatorConfig, type RunningCoordinator, startCoordinator } from './start.ts'
export { openDurableStore } from './store/durable/store.ts'
export { memoryStore } from './store/memory/store.ts'
export type { Store } from './store/ports.ts'
