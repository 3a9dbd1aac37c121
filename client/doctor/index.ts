/** The face of what is looked at before a client takes part. */
export { examine } from './doctor.ts'
export { type CheckName, checkNames, type Finding, type Reported } from './finding.ts'
export type { DoctorOptions } from './options.ts'
