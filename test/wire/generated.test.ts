import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { generatedFiles, typesArguments, typesFolder } from '../../scripts/generated-files.ts'

const stale = 'run `npm run generate`'

it('every generated file is what its source gives today', () => {
  for (const [path, text] of Object.entries(generatedFiles())) {
    expect(readFileSync(path, 'utf8'), `${path}: ${stale}`).toBe(text)
  }
})

it('the types of the messages are what the proto files give today', () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-types-'))
  try {
    execFileSync('node_modules/.bin/proto-loader-gen-types', typesArguments(folder), { stdio: 'pipe' })
    const read = (root: string) =>
      readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.ts'))
        .sort()
        .map((path) => [path, readFileSync(join(root, path), 'utf8')])
    expect(read(typesFolder), stale).toEqual(read(folder))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
