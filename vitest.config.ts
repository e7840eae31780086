import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const door = (name: string): string => fileURLToPath(new URL(`src/${name}.ts`, import.meta.url))

export default defineConfig({
  resolve: {
    // Exact names: a plain 'millrace' would also catch 'millrace/testing' and paths that start so.
    alias: [
      { find: /^millrace$/, replacement: door('index') },
      { find: /^millrace\/testing$/, replacement: door('testing') },
      { find: /^millrace\/msgpack$/, replacement: door('msgpack') },
    ],
  },
  test: {
    include: [
      'src/**/*.test.ts',
      'test/**/*.test.ts',
      'examples/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    exclude: ['test/faults/**', 'test/deep/**'],
    pool: 'threads',
    isolate: false,
    testTimeout: 30_000,
    reporters: ['default', './test/reporter.ts'],
  },
})
