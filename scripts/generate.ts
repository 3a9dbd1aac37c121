/**
 * Writes everything that is generated and committed: the protobuf descriptors and types, docs/errors.md,
 * docs/limits.md, docs/configuration.md. Tests run the same functions and compare.
 */
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { generatedFiles, typesArguments, typesFolder } from './generated-files.ts'
import { programPages } from './program-pages.ts'

rmSync(typesFolder, { recursive: true, force: true })
execFileSync('node_modules/.bin/proto-loader-gen-types', typesArguments(typesFolder), { stdio: 'inherit' })
for (const [path, text] of Object.entries({ ...generatedFiles(), ...programPages() })) writeFileSync(path, text)
