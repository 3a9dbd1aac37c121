import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globals: false,
    // As many as there are processors: by default one is left over.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What a page shows comes when it comes: a test waits for it, and fails only when it never came.
    expect: { poll: { timeout: 15_000 } },
    reporters: process.env.CI ? ['default', ['json', { outputFile: 'dist/test-report.json' }]] : ['default'],
    coverage: {
      provider: 'v8',
      include: ['core/**', 'audit/**', 'kernels/*.ts', 'server/**', 'client/**', 'consumer/**', 'cli/**'],
    },
  },
})
