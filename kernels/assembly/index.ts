/**
 * The hot loops of aggregation, in AssemblyScript: `scripts/build-kernels.ts` compiles them to dist/kernels/kernels.wasm.
 *
 * All of them work on addresses that the caller hands in; the module has no memory of its own, no allocator and no
 * state, so any number of threads may run it over one shared memory. Relaxed SIMD stays out: it leaves the rounding of a
 * multiplication and addition to the processor, and the same updates must give the same bytes everywhere.
 */
import { columns, tileBytes } from './columns.ts'
import { combine } from './combine.ts'
import { dots } from './dots.ts'
import { gram, move } from './gram.ts'
import { signs } from './signs.ts'
import { addLanes, squares, subtract } from './vector.ts'

export { addLanes, columns, combine, dots, gram, move, signs, squares, subtract, tileBytes }
