import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: {
    alias: {
      'millrace/testing': new URL('src/testing.ts', import.meta.url).pathname,
      'millrace/msgpack': new URL('src/msgpack.ts', import.meta.url).pathname,
      millrace: new URL('src/index.ts', import.meta.url).pathname,
    },
  },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['test/faults/**'],
    pool: 'threads',
    isolate: false,
    testTimeout: 30_000,
  },
})
