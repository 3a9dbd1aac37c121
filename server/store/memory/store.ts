import type { Store } from '../ports.ts'
import { MemoryBlobs } from './blobs.ts'
import { MemoryEnrolments } from './enrolments.ts'
import { MemoryJournal } from './journal.ts'
import { MemoryMembers } from './members.ts'
import { MemoryRecords } from './records.ts'

/** A store that lives as long as the process: for tests, simulations and demonstrations. */
export function memoryStore(): Store {
  return {
    blobs: new MemoryBlobs(),
    spool: new MemoryBlobs(),
    journal: new MemoryJournal(),
    records: new MemoryRecords(),
    members: new MemoryMembers(),
    enrolments: new MemoryEnrolments(),
    close: async () => {},
  }
}
