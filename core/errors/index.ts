export { catalogue, type ErrorCode, isErrorCode } from './catalogue/index.ts'
export type { CatalogueEntry, GrpcStatus } from './entry.ts'
export { type ErrorDescription, type ErrorDetails, ParleyError } from './parley-error.ts'
