import { expect, it } from 'vitest'
import { importsOf, sourcesOf } from '../support/source-files.ts'

const imports = sourcesOf('core', 'consumer').flatMap(importsOf)

/** Everything that is loaded with a file, packages and Node's modules included. */
function reachedFrom(file: string): ReadonlySet<string> {
  const reached = new Set([file])
  for (const one of reached) for (const { from, to } of imports) if (from === one) reached.add(to)
  return reached
}

it('the browser’s face reaches nothing of Node, and only the packages that a page is given', () => {
  const reached = [...reachedFrom('consumer/browser.ts')]
  expect(reached).toContain('core/release/verify.ts')
  expect(reached.filter((path) => path.startsWith('node:'))).toEqual([])
  const packages = reached.filter((path) => !/^(core|consumer)\//.test(path))
  expect(packages.sort()).toEqual([
    '@noble/ciphers/aes.js',
    '@noble/hashes/hkdf.js',
    '@noble/hashes/sha2.js',
    'tweetnacl',
    'zod',
  ])
})

it('the consumer imports core and nothing else of the house', () => {
  const wrong = imports.filter(
    ({ from, to }) => from.startsWith('consumer/') && /^(server|client|sim|cli|kernels|bench|test)\//.test(to),
  )
  expect(wrong).toEqual([])
})
