import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { dataFilesOf } from '../world/data-files.ts'
import type { Scenario } from '../world/scenario.ts'

/** What the data files of scenarios hold; each is read once, when it is first asked for. */
export class DataDigests {
  readonly #folder: string
  readonly #known = new Map<string, Promise<string | undefined>>()

  /** `folder`: from which paths of data files are counted. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * SHA-256 over the digests of all files that a scenario reads, in a fixed order; undefined for generated data. A file that cannot
   * be read counts as none: the simulation says why.
   */
  async of({ world }: Pick<Scenario, 'world'>): Promise<string | undefined> {
    if ('generated' in world.data) return undefined
    const { main, test = {}, ids } = dataFilesOf(world, this.#folder)
    const paths = [...Object.values(main), ...Object.values(test), ...(ids === undefined ? [] : [ids])] as string[]
    const digests = await Promise.all(paths.map((path) => this.#digest(path)))
    return createHash('sha256')
      .update(digests.map((digest) => digest ?? 'none').join('\n'))
      .digest('hex')
  }

  #digest(path: string): Promise<string | undefined> {
    const known = this.#known.get(path) ?? digestOf(path).catch(() => undefined)
    this.#known.set(path, known)
    return known
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
