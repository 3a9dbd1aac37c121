/**
 * The grid on which consumers count latencies, the same everywhere and for ever: 40 bins a decade from 0.1 ms to 100 s, so that
 * each is 5.9 % wide (10^(1/40)). Bin 0 holds what is faster than 0.1 ms, bin i, 1 to 240, what is at least 0.1 · 10^((i − 1)/40)
 * ms and less than 0.1 · 10^(i/40), bin 241 what takes 100 s or more.
 */
export const BINS_PER_DECADE = 40
const DECADES = 6
const FASTEST_MS = 0.1

/** How many numbers `latencyMs.bins` has. */
export const LATENCY_BINS = DECADES * BINS_PER_DECADE + 2

/** Where bin i begins, in milliseconds: 0 for the first. Where bin i ends is where i + 1 begins, `Infinity` for the last. */
export function binStart(bin: number): number {
  if (bin <= 0) return 0
  return bin >= LATENCY_BINS ? Number.POSITIVE_INFINITY : FASTEST_MS * 10 ** ((bin - 1) / BINS_PER_DECADE)
}

/** The bin of a latency in milliseconds. A negative one, and what is no number, is 0. */
export function latencyBin(ms: number): number {
  if (!(ms >= FASTEST_MS)) return 0
  const near = Math.min(LATENCY_BINS - 1, 1 + Math.floor(Math.log10(ms / FASTEST_MS) * BINS_PER_DECADE))
  // The logarithm may be wrong in its last bit, and the edges are what counts.
  if (ms < binStart(near)) return near - 1
  return near + 1 < LATENCY_BINS && ms >= binStart(near + 1) ? near + 1 : near
}
