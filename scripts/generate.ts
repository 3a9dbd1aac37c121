/**
 * Writes everything that is generated and committed: the protobuf descriptors and types, docs/errors.md,
 * docs/limits.md. A test runs the same functions and compares.
 */
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { generatedFiles, typesArguments, typesFolder } from './generated-files.ts'

rmSync(typesFolder, { recursive: true, force: true })
execFileSync('node_modules/.bin/proto-loader-gen-types', typesArguments(typesFolder), { stdio: 'inherit' })
for (const [path, text] of Object.entries(generatedFiles())) writeFileSync(path, text)
