import { z } from 'zod'
import type { Random } from '../../../core/random/random.ts'
import { balancedLabels, classCount, defineGenerator, endsOf, rows } from '../generator.ts'

const options = z.strictObject({
  rows,
  height: z.int().min(4).max(1_024).default(14),
  width: z.int().min(4).max(1_024).default(14),
  classes: classCount.default(10),
  noise: z.number().min(0).max(1).default(0.2).describe('largest change of a pixel, either way'),
  shift: z.int().min(0).max(64).default(1).describe('pixels by which a drawing is moved at most, in each direction'),
})

/**
 * Images: each class is a drawing of a few strokes, like a digit; its examples are moved, fainter or stronger, and noisy. Gray
 * values from 0 to 1, one channel. Classes are of equal size.
 */
export const images = defineGenerator<z.output<typeof options>>({
  options,
  generate({ rows, height, width, classes, noise, shift }, random) {
    const drawings = Array.from({ length: classes }, () => drawing(height, width, random))
    const labels = balancedLabels(rows, classes, random)
    const size = height * width
    const features = new Float32Array(rows * size)
    labels.forEach((label, row) => {
      const [down, right] = [random.below(2 * shift + 1) - shift, random.below(2 * shift + 1) - shift]
      const ink = 0.7 + 0.3 * random.uniform()
      const image = features.subarray(row * size, (row + 1) * size)
      for (let i = 0; i < size; i++) {
        const [y, x] = [Math.floor(i / width) - down, (i % width) - right]
        const inside = y >= 0 && y < height && x >= 0 && x < width
        const drawn = inside ? ((drawings[label] as Float64Array)[y * width + x] as number) : 0
        image[i] = Math.min(1, Math.max(0, ink * drawn + noise * (2 * random.uniform() - 1)))
      }
    })
    return { rows, features, labels, shape: [height, width, 1], classes: endsOf(classes) }
  },
})

type Point = readonly [y: number, x: number]

const STROKES = 4

/** A line through random points of the inner part of the image, dark at its middle and fading within a tenth of the image. */
function drawing(height: number, width: number, random: Random): Float64Array {
  const points = Array.from(
    { length: STROKES + 1 },
    (): Point => [height * (0.15 + 0.7 * random.uniform()), width * (0.15 + 0.7 * random.uniform())],
  )
  const thickness = Math.max(1.2, Math.min(height, width) / 10)
  return Float64Array.from({ length: height * width }, (_, i) => {
    const pixel: Point = [Math.floor(i / width) + 0.5, (i % width) + 0.5]
    const nearest = Math.min(...points.slice(1).map((end, k) => distanceTo(pixel, points[k] as Point, end)))
    return Math.max(0, 1 - nearest / (2 * thickness))
  })
}

/** From a point to a straight stroke. */
function distanceTo([y, x]: Point, [y0, x0]: Point, [y1, x1]: Point): number {
  const [dy, dx] = [y1 - y0, x1 - x0]
  const length = dy * dy + dx * dx
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((y - y0) * dy + (x - x0) * dx) / length))
  const [away, aside] = [y - y0 - along * dy, x - x0 - along * dx]
  return Math.sqrt(away * away + aside * aside)
}
