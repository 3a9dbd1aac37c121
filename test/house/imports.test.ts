/** The arrows between the rooms of the house: what may import what. Each rule reads every import there is. */
import { describe, expect, test } from 'vitest'
import { type Import, importsOf, sourcesOf } from '../support/source-files.ts'

const rooms = [
  'core',
  'kernels',
  'audit',
  'server',
  'client',
  'consumer',
  'sim',
  'cli',
  'bench',
  'scripts',
  'web',
] as const
type Room = (typeof rooms)[number]

const sources = sourcesOf(...rooms)
const imports = sources.flatMap(importsOf)
const within = (folder: string) => (path: string) => path === folder || path.startsWith(`${folder}/`)
const roomOf = (path: string): Room | undefined => rooms.find((room) => within(room)(path))
const shown = (found: readonly Import[]) => found.map(({ from, to }) => `${from} imports ${to}`)

/** Benchmarks that measure one part by itself, below the faces; a file that needs no exception any more leaves the list. */
const insideBenches = ['bench/aggregation.ts', 'bench/carriers.ts', 'bench/memory.ts', 'bench/memory-coordinator.ts']

test('there is something to hold to the rules', () => {
  expect(sources.length).toBeGreaterThan(150)
  expect(imports.length).toBeGreaterThan(500)
  for (const room of ['core', 'server', 'client', 'cli'] as const) {
    expect(sources.some(({ path }) => within(room)(path))).toBe(true)
  }
})

describe('between rooms', () => {
  const allowed: { readonly [R in Room]: readonly Room[] } = {
    core: [],
    kernels: ['core'],
    audit: ['core'],
    server: ['core', 'kernels', 'audit'],
    client: ['core', 'kernels', 'audit'],
    consumer: ['core'],
    sim: ['core', 'kernels', 'server', 'client'],
    cli: ['core', 'audit', 'server', 'client', 'sim'],
    bench: ['core', 'kernels', 'audit', 'server', 'client', 'consumer', 'sim'],
    web: ['core'],
    scripts: ['core', 'server', 'client', 'cli'],
  }

  test.each(rooms)('%s imports only the rooms that it may', (room) => {
    const wrong = imports.filter(({ from, to }) => {
      const target = roomOf(to)
      return within(room)(from) && target !== undefined && target !== room && !allowed[room].includes(target)
    })
    expect(shown(wrong)).toEqual([])
  })

  test('nobody imports tests, examples or the build', () => {
    expect(shown(imports.filter(({ to }) => ['test', 'examples', 'dist'].some((room) => within(room)(to))))).toEqual([])
  })

  test.each(['cli', 'bench', 'sim'])('%s takes server and client by their faces only', (room) => {
    const inside = imports.filter(
      ({ from, to }) =>
        within(room)(from) &&
        (within('server')(to) || within('client')(to)) &&
        !['server/index.ts', 'client/index.ts'].includes(to),
    )
    expect(shown(inside.filter(({ from }) => !insideBenches.includes(from)))).toEqual([])
    for (const bench of insideBenches.filter(within(room))) expect(inside.map(({ from }) => from)).toContain(bench)
  })
})

describe('inside the server', () => {
  const way = ['transport', 'enrolment', 'sessions', 'rounds', 'aggregation', 'gates', 'registry']
  const ground = ['store', 'observe', 'audit']
  const composition = ['coordinator.ts', 'start.ts', 'api.ts', 'index.ts']
  const partOf = (path: string): string | undefined => /^server\/([^/]+)/.exec(path)?.[1]
  const between = imports
    .map((one) => ({ ...one, source: partOf(one.from), target: partOf(one.to) }))
    .filter(({ source, target }) => source !== undefined && target !== undefined && source !== target)

  test('every part stands in the order', () => {
    const parts = new Set(sources.map(({ path }) => partOf(path)).filter((part) => part !== undefined))
    expect([...parts].filter((part) => ![...way, ...ground, ...composition, 'members', 'http'].includes(part))).toEqual(
      [],
    )
  })

  test('what comes earlier on the way of an update may import what comes later, and never the reverse', () => {
    const wrong = between.filter(
      ({ source, target }) =>
        way.includes(source!) && way.includes(target!) && way.indexOf(source!) > way.indexOf(target!),
    )
    expect(shown(wrong)).toEqual([])
  })

  test('what all stand on imports nothing above it', () => {
    const wrong = between.filter(({ source, target }) => ground.includes(source!) && !ground.includes(target!))
    expect(shown(wrong)).toEqual([])
  })

  test('members stand on the store and nothing else; HTTP and the composition know them', () => {
    const wrong = between.filter(
      ({ source, target }) =>
        (source === 'members' && target !== 'store') ||
        (target === 'members' && source !== 'http' && !composition.includes(source!)),
    )
    expect(shown(wrong)).toEqual([])
  })

  test('only the composition knows the composition; HTTP knows the interface for operators', () => {
    const wrong = between.filter(
      ({ source, target }) =>
        composition.includes(target!) && !composition.includes(source!) && !(source === 'http' && target === 'api.ts'),
    )
    expect(shown(wrong)).toEqual([])
  })

  test('rounds, aggregation and gates do not know which adapter they run on', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        ['server/sessions', 'server/rounds', 'server/aggregation', 'server/gates'].some((part) => within(part)(from)) &&
        (/^server\/store\/(durable|memory)\//.test(to) || within('server/http')(to) || within('server/observe')(to)),
    )
    expect(shown(wrong)).toEqual([])
  })
})

describe('from outside', () => {
  test('core runs in a browser: only its Node adapter imports Node', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        within('core')(from) &&
        to.startsWith('node:') &&
        !['core/crypto/node.ts', 'core/attestation/node.ts'].includes(from),
    )
    expect(shown(wrong)).toEqual([])
  })

  test('web runs in a browser: no Node, nothing of core that wants it, and few packages', () => {
    const own = imports.filter(({ from }) => within('web')(from) && from !== 'web/vite.config.ts')
    const wrong = own.filter(
      ({ to }) =>
        to.startsWith('node:') ||
        ['core/crypto/node.ts', 'core/attestation/node.ts', 'core/system-clock.ts', 'core/index.ts'].includes(to),
    )
    expect(shown(wrong)).toEqual([])
    const packages = own.map(({ to }) => to).filter((to) => !/^(web|core)\//.test(to))
    expect([...new Set(packages)].sort()).toEqual(['preact', 'preact/hooks', 'uplot', 'uqr', 'yaml', 'zod'])
  })

  test('the graph of a model runs in a browser: it needs core, and what is known of a topology without an engine', () => {
    const beside = ['client/training/starting-tensor.ts', 'client/training/tfjs/topology-check.ts']
    const own = imports.filter(({ from }) => within('client/training/graph')(from) || beside.includes(from))
    const wrong = own.filter(
      ({ to }) => !within('core')(to) && !within('client/training/graph')(to) && !beside.includes(to),
    )
    expect(own.length).toBeGreaterThan(beside.length)
    expect(shown(wrong)).toEqual([])
  })

  test('only one file names the training engine’s packages', () => {
    const engine = imports.filter(({ to }) => to.startsWith('@tensorflow/'))
    expect(new Set(engine.map(({ from }) => from))).toEqual(new Set(['client/training/tfjs/load.ts']))
    const named = sources.filter(({ path, text }) => /['"]@tensorflow\//.test(text) && within('client')(path))
    expect(named.map(({ path }) => path)).toEqual(['client/training/tfjs/load.ts'])
  })

  test('Node’s own modules are named as such', () => {
    const bare =
      /^(assert|buffer|child_process|crypto|events|fs|fs\/promises|http|http2|https|net|os|path|stream|timers|tls|url|util|worker_threads|zlib)$/
    expect(shown(imports.filter(({ to }) => bare.test(to)))).toEqual([])
  })
})

describe('time and chance', () => {
  // Comments may speak of them.
  const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
  const reading = /\b(Date\.now|Math\.random|setTimeout|setInterval|setImmediate|performance\.|new Date\(\))/

  test.each(['core', 'server/rounds', 'server/aggregation', 'server/gates'])('are passed into %s', (folder) => {
    const wrong = sources.filter(
      ({ path, text }) => within(folder)(path) && path !== 'core/system-clock.ts' && reading.test(code(text)),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  test('core/system-clock.ts is where they come from', () => {
    const clock = sources.find(({ path }) => path === 'core/system-clock.ts')
    expect(code(clock?.text ?? '')).toMatch(reading)
  })
})
