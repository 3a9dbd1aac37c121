/** docs/getting-started.md with the command line, typed as it stands there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Block, blocksOf, Walker } from '../support/walk.ts'

const page = 'docs/getting-started.md'
const hospitals = [
  {},
  { 'hospital-a': 'hospital-b', cleveland: 'hungarian' },
  { 'hospital-a': 'hospital-c', cleveland: 'va' },
]

let folder: string
let walker: Walker

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-walk-'))
  walker = new Walker(folder)
})
afterAll(async () => {
  await walker.end()
  await rm(folder, { recursive: true, force: true })
})

const ofHospital = ({ words }: Block) => words.includes('hospital-a')

/** The section's blocks, then those of a hospital for the two others. */
async function followFor(blocks: readonly Block[]): Promise<string> {
  let output = ''
  for (const block of blocks) output += await walker.follow(block)
  for (const instead of hospitals.slice(1)) {
    for (const block of blocks.filter(ofHospital)) output += await walker.follow(block, instead)
  }
  return output
}

async function followAll(from: string, to?: string): Promise<string> {
  let output = ''
  for (const block of await blocksOf(page, from, to)) output += await walker.follow(block)
  return output
}

test('leads from nothing to a promoted version of three hospitals, and one of them out again', {
  timeout: 120_000,
}, async () => {
  await followAll('### 1.', '### 2.')
  await followFor(await blocksOf(page, '### 2.', 'Do steps 2 to 4 again'))
  const listed = await followAll('Do steps 2 to 4 again', '### 5.')
  expect(listed.match(/hospital-[abc] +active/g)).toHaveLength(3)
  const asked = await followAll('### 5.', '### 6.')
  expect(asked).toContain('started run_')
  const status = (await blocksOf(page, '### 5.', '### 6.')).at(-1)!
  await expect.poll(() => walker.follow(status)).toContain('waits for a person at hospital-a, hospital-b, hospital-c')
  const review = await blocksOf(page, '### 6.', '### 7.')
  expect(await followFor(review.filter(ofHospital))).toContain('approved')
  for (const block of review.filter((one) => !ofHospital(one))) {
    expect(await walker.follow(block)).toContain('published heart-disease/1')
  }
  const promoted = await followAll('### 7.', '### 8.')
  expect(promoted).toMatch(/production/)
  const logged = await followAll('### 8.', '### 9.')
  for (const action of ['client.approve', 'model.publish', 'alias.move', 'update.send'])
    expect(logged).toContain(action)
  const last = await followAll('### 9.', '## With the dashboard')
  expect(last).toMatch(/hospital-c +revoked/)
  expect(last.match(/hospital-[ab] +active/g)).toHaveLength(2)
})
