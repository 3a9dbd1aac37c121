import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { heartFiles, writeSyntheticHeart } from '../../client/index.ts'
import { ParleyError } from '../../core/errors/index.ts'

export type Hospital = {
  readonly name: string
  /** The hospital's own folder: its key, its memory and its data. */
  readonly home: string
  readonly data: string
  readonly carrier: 'grpc' | 'ws'
}

/**
 * Gives each of the four hospitals a folder of its own with its own data in it: the UCI files in the folder `data`, or the
 * synthetic ones made from `seed`. Two hospitals go over gRPC and two over WebSocket.
 */
export async function settleHospitals(folder: string, data: string | undefined, seed: number): Promise<Hospital[]> {
  const files = data === undefined ? await writeSyntheticHeart(folder, seed) : await copyHeart(folder, data)
  return files.map(({ name, path }, index) => ({
    name,
    home: join(folder, name),
    data: path,
    carrier: index % 2 === 0 ? 'grpc' : 'ws',
  }))
}

async function copyHeart(folder: string, data: string): Promise<{ name: string; path: string }[]> {
  const copies: { name: string; path: string }[] = []
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
