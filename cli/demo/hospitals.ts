import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { heartFiles, writeSyntheticHeart } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'

type Files = { name: string; path: string }[]

/** The file of each of the four hospitals: copies of the UCI files in the folder `data`, or synthetic ones made from `seed`. */
export async function heartFilesIn(folder: string, data: string | undefined, seed: number): Promise<Files> {
  return data === undefined ? await writeSyntheticHeart(folder, seed) : await copyHeart(folder, data)
}

async function copyHeart(folder: string, data: string): Promise<Files> {
  const copies: Files = []
  for (const { name, file } of heartFiles) {
    const path = join(folder, name, file)
    await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
    await copyFile(join(data, file), path).catch((cause: unknown) => {
      const message = `${join(data, file)} is missing; get the four files with: npx parley data heart ${data}`
      throw new ParleyError('data.not-found', message, { cause })
    })
    copies.push({ name, path })
  }
  return copies
}
