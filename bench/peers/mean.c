/* The plain loop over the updates that `bench -- aggregation` compares the mean with: prints milliseconds, quickest of `repeats`. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * t.tv_sec + 1e-6 * t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const long n = atol(argv[1]), d = atol(argv[2]), repeats = atol(argv[3]);
  float *x = malloc(sizeof(float) * n * d), *out = malloc(sizeof(float) * d);
  if (!x || !out) return 1;
  for (long k = 0; k < n * d; k++) x[k] = (float)(k % 1013) / 1013 - 0.5f;
  double best = 1e300;
  for (long r = 0; r < repeats; r++) {
    const double began = now();
    for (long j = 0; j < d; j++) out[j] = 0;
    for (long i = 0; i < n; i++) {
      const float w = 1.0f / (float)n;
      const float *row = x + i * d;
      for (long j = 0; j < d; j++) out[j] += w * row[j];
    }
    const double took = now() - began;
    if (took < best) best = took;
  }
  printf("%.3f %g\n", best, out[d / 2]);
  return 0;
}
