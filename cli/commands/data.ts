import { join } from 'node:path'
import { downloadHeart, writeSyntheticHeart } from '../../client/index.ts'
import { action, command, group } from '../command.ts'
import { writePooledFraud, writeSyntheticFraud } from '../demo/fraud/transactions.ts'
import { seedOption } from '../options.ts'

const heart = command(
  'heart',
  'download the UCI Heart Disease data of four hospitals (CC BY 4.0) and check its SHA-256',
)
  .argument('<folder>', 'made when it is not there')
  .action(
    action(async (_options, output, folder = '') => {
      const files = await downloadHeart(folder)
      output.result(
        { files },
        [...files.map(({ path }) => path), `try it with: npm start -- --data ${folder}`].join('\n'),
      )
      return 0
    }),
  )

const synthetic = command('synthetic-heart', 'write the synthetic four-hospital data set, made from a seed')
  .argument('<folder>', 'made when it is not there')
  .option('--seed <n>', 'the same seed gives the same files', seedOption, 1)
  .action(
    action<{ seed: number }>(async ({ seed }, output, folder = '') => {
      const files = await writeSyntheticHeart(folder, seed)
      output.result({ synthetic: true, files }, files.map(({ path }) => path).join('\n'))
      return 0
    }),
  )

const fraud = command('synthetic-fraud', 'write the synthetic card transactions of five banks, made from a seed')
  .argument('<folder>', 'made when it is not there')
  .option('--seed <n>', 'the same seed gives the same files', seedOption, 42)
  .action(
    action<{ seed: number }>(async ({ seed }, output, folder = '') => {
      const files = await writeSyntheticFraud(folder, seed)
      const pooled = join(folder, 'all-banks.csv')
      await writePooledFraud(pooled, seed)
      const lines = [...files.map(({ path }) => path), `${pooled}: all of them, for simulations`]
      output.result({ synthetic: true, files, pooled }, lines.join('\n'))
      return 0
    }),
  )

export const dataCommand = group('data', 'data sets to try Parley with', heart, synthetic, fraud)
