/** The face of bundles of evidence: how one is written, and how anybody verifies it. */
export { isNeeded } from './facts.ts'
export { type BundleIndex, bundlePaths, bundleSchema, nameOfVersion, type VersionName } from './format.ts'
export { type EvidenceProblem, evidenceError } from './problem.ts'
export { bundleReadme } from './readme.ts'
export { type BundleSource, isBundle, openBundle } from './source.ts'
export { checkPath, tarEnd, tarHeader, tarPadding } from './tar.ts'
export { type EvidenceReport, logSourcesIn, type PinnedKeys, verifyEvidence, versionsDigest } from './verify.ts'
