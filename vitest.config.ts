import { defineConfig } from 'vitest/config'

const shared = ['core', 'aggregation', 'kernels', 'audit', 'members', 'export', 'consumer', 'client', 'wire'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

export default defineConfig({
  test: {
    globals: false,
    // As many as there are processors: by default one is left over.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What a page shows comes when it comes: a test waits for it, and fails only when it never came.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      // These leave nothing behind in their process: their files share what they have loaded.
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
      { extends: true, test: { name: 'isolated', include: ['test/**/*.test.ts'], exclude: shared } },
    ],
    reporters: process.env.CI ? ['default', ['json', { outputFile: 'dist/test-report.json' }]] : ['default'],
    coverage: {
      provider: 'v8',
      include: ['core/**', 'audit/**', 'kernels/*.ts', 'server/**', 'client/**', 'consumer/**', 'cli/**'],
    },
  },
})
