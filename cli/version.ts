import { readFileSync } from 'node:fs'

// This file runs as dist/cli/version.js, two folders below package.json.
const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** The version of this package. */
export const version = packageJson.version
