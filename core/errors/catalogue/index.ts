import type { CatalogueEntry } from '../entry.ts'
import { auditErrors } from './audit.ts'
import { authErrors } from './auth.ts'
import { clientErrors } from './client.ts'
import { enrolmentErrors } from './enrolment.ts'
import { networkErrors } from './network.ts'
import { planErrors } from './plan.ts'
import { policyErrors } from './policy.ts'
import { privacyErrors } from './privacy.ts'
import { releaseErrors } from './release.ts'
import { requestErrors } from './request.ts'
import { sessionErrors } from './session.ts'
import { storeErrors } from './store.ts'
import { updateErrors } from './update.ts'

const table = {
  ...sessionErrors,
  ...networkErrors,
  ...authErrors,
  ...updateErrors,
  ...planErrors,
  ...privacyErrors,
  ...policyErrors,
  ...clientErrors,
  ...storeErrors,
  ...releaseErrors,
  ...auditErrors,
  ...requestErrors,
  ...enrolmentErrors,
}

export type ErrorCode = keyof typeof table

/** Every code that Parley uses. `docs/errors.md` is its manual page, and a test compares the two. */
export const catalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = table

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(catalogue, value)
}
