/** The orders α at which Rényi divergences are kept: 1.1 … 10.9 in steps of 0.1, 11 … 63, 128, 256, 512, 1024. */
export const defaultOrders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (11 + i) / 10),
  ...Array.from({ length: 53 }, (_, i) => 11 + i),
  ...[128, 256, 512, 1024],
]

/** @throws RangeError unless α > 1. */
export function checkOrder(order: number): void {
  if (!(order > 1 && Number.isFinite(order))) throw new RangeError(`a Rényi order is above 1, not ${order}`)
}
