import { join } from 'node:path'
import { downloadFile, type Fetch, type RemoteFile } from './download.ts'

const SOURCE = 'https://archive.ics.uci.edu/ml/machine-learning-databases/heart-disease'

export type HeartFile = RemoteFile & { readonly name: string; readonly file: string }

function heartFile(name: string, bytes: number, sha256: string): HeartFile {
  const file = `processed.${name}.data`
  return { name, file, url: `${SOURCE}/${file}`, bytes, sha256 }
}

/**
 * The four "processed" files of the UCI Heart Disease data set (Janosi, Steinbrunn, Pfisterer and Detrano, 1988; UCI Machine
 * Learning Repository, CC BY 4.0): one hospital each, 14 columns without a header.
 */
export const heartFiles: readonly HeartFile[] = [
  heartFile('cleveland', 18_461, 'a74b7efa387bc9d108d7d0115d831fe9b414b29ae7124f331b622b4efa0427c8'),
  heartFile('hungarian', 10_263, 'd1ad108f785768cd3d7e82dc522e6f5a61eea93cccfb3a46ee8076f73fc3d796'),
  heartFile('switzerland', 4_109, '834a405ccf5b66ab4056bb77794adc8df0b7125186454c0a1d002d33c6c3b314'),
  heartFile('va', 6_737, 'e7c93d8d0d2acdadfa4c5e8de768e2191e7f618b952e29623f1f0d5949ff6b8f'),
]

/**
 * Puts the four files into `dir`, and gives their paths. Files that lie there already with the right digest are kept. Fails
 * with `data.download-failed` or `data.digest-mismatch`.
 */
export async function downloadHeart(
  dir: string,
  fetch: Fetch = globalThis.fetch,
): Promise<{ name: string; path: string }[]> {
  const paths: { name: string; path: string }[] = []
  for (const file of heartFiles) {
    const path = join(dir, file.file)
    await downloadFile(file, path, fetch)
    paths.push({ name: file.name, path })
  }
  return paths
}
