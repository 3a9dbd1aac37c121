/**
 * Writes everything that is generated and committed: the protobuf descriptor and its types, docs/errors.md,
 * docs/limits.md. A test runs the same functions and compares.
 */
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { generatedFiles } from './generated-files.ts'

const typesFolder = 'core/wire/generated/types'
rmSync(typesFolder, { recursive: true, force: true })
execFileSync(
  'node_modules/.bin/proto-loader-gen-types',
  [
    '--includeComments',
    '--longs=Number',
    '--enums=String',
    '--defaults',
    '--oneofs',
    '--targetFileExtension=.ts',
    '--importFileExtension=.ts',
    `--outDir=${typesFolder}`,
    '--includeDirs=proto',
    '--',
    'parley/v1/session.proto',
  ],
  { stdio: 'inherit' },
)
for (const [path, text] of Object.entries(generatedFiles())) writeFileSync(path, text)
