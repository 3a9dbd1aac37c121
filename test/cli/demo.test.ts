import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parley } from '../support/cli.ts'

test('the demonstration ends with what it published, or why not, and every line of it is JSON', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-demo-'))
  try {
    const { code, stdout, stderr } = await parley('demo', '--rounds', '2', '--folder', folder, '--json')
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; accepted?: number; synthetic?: boolean; outcome?: object })
    expect(stderr).toBe('')
    expect(events[0]).toMatchObject({ event: 'data', synthetic: true })
    expect(events.filter(({ event }) => event === 'round').map(({ accepted }) => accepted)).toEqual([4, 4])
    const done = events.filter(({ event }) => event === 'done')
    expect(done).toEqual([events.at(-1)])
    // Two rounds may be too few for the gates of the example; then nothing is published, and the exit code says so.
    expect(code).toBe(done[0]?.outcome === undefined ? 0 : 4)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
