import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root, sourcesOf } from '../support/source-files.ts'

type Package = {
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}
type Lock = { readonly packages: Readonly<Record<string, { readonly resolved?: string; readonly integrity?: string }>> }

const json = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'))
const manifest = json('package.json') as Package

describe('package-lock.json', () => {
  const { packages } = json('package-lock.json') as Lock
  const installed = Object.entries(packages).filter(([path]) => path.startsWith('node_modules/'))

  test('names no host: whoever installs takes the packages from a registry of their choice', () => {
    expect(installed.length).toBeGreaterThan(50)
    const hosts = installed.filter(([, { resolved }]) => resolved !== undefined && /^[a-z+]+:\/\//.test(resolved))
    expect(hosts.map(([path]) => path)).toEqual([])
  })

  test('holds every package to a digest', () => {
    expect(installed.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).toEqual([])
  })
})

describe('package.json', () => {
  test('names one version of every dependency, and no range', () => {
    const { dependencies, optionalDependencies, devDependencies } = manifest
    const all = Object.entries({ ...dependencies, ...optionalDependencies, ...devDependencies })
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  })

  const targets = [
    ...Object.entries(manifest.exports).flatMap(([name, target]) =>
      (typeof target === 'string' ? [target] : Object.values(target)).map((path) => [name, path] as const),
    ),
    ...Object.entries(manifest.bin).map(([name, path]) => [name, path] as const),
  ]

  test.each(targets)('offers as %s %s, which is there or is built from its source', (_name, path) => {
    const source = path.replace(/^(\.\/)?dist\//, '').replace(/(\.d\.ts|\.js)$/, '.ts')
    const built = path.includes('dist/')
    expect(existsSync(join(root, built ? source : path)), built ? `${source} is missing` : path).toBe(true)
  })

  test('packs what its exports and commands point at', () => {
    for (const [, path] of targets) {
      const plain = path.replace(/^\.\//, '')
      const packed = plain === 'package.json' || manifest.files.some((folder) => plain.startsWith(`${folder}/`))
      expect(packed, plain).toBe(true)
    }
  })
})

describe('the source', () => {
  const sources = sourcesOf('core', 'audit', 'kernels', 'server', 'client', 'sim', 'cli', 'bench', 'scripts', 'web')

  test('silences no check of types', () => {
    const silenced = sources.filter(({ text }) => /@ts-(ignore|expect-error|nocheck)/.test(text))
    expect(silenced.map(({ path }) => path)).toEqual([])
  })

  test('knows no `any`', () => {
    const anywhere = sources.flatMap(({ path, text }) =>
      text
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .split('\n')
        .filter((line) =>
          /(:|\bas|<|\||,)\s*any\b(\[\])?\s*[,;>)=|&{]|(:|\bas)\s*any\s*$/.test(line.replace(/\/\/.*$/, '')),
        )
        .map((line) => `${path}: ${line.trim()}`),
    )
    expect(anywhere).toEqual([])
  })

  test('imports with the ending of the file', () => {
    const wrong = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/from '(\.[^']*)'/g)]
        .filter(([, name]) => !/\.tsx?$/.test(name!))
        .map(([line]) => `${path}: ${line}`),
    )
    expect(wrong).toEqual([])
  })

  test('every file of 400 lines has a reason', () => {
    const long = sources.filter(({ text }) => text.split('\n').length > 400)
    expect(long.map(({ path }) => path)).toEqual([])
  })
})
