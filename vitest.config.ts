import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const door = (name: string): string => fileURLToPath(new URL(`src/${name}.ts`, import.meta.url))

const tests = (suffix: string): string[] =>
  ['src', 'test', 'examples', 'bench', 'dashboard'].map((folder) => `${folder}/**/*.${suffix}`)

export default defineConfig({
  resolve: {
    // Exact names: a plain 'millrace' would also catch 'millrace/testing' and paths that start so.
    alias: [
      { find: /^millrace$/, replacement: door('index') },
      { find: /^millrace\/testing$/, replacement: door('testing') },
      { find: /^millrace\/avro$/, replacement: door('avro') },
      { find: /^millrace\/protobuf$/, replacement: door('protobuf') },
      { find: /^millrace\/schema-registry$/, replacement: door('schema-registry') },
      { find: /^millrace\/kafka$/, replacement: door('kafka') },
      { find: /^millrace\/mqtt$/, replacement: door('mqtt') },
      { find: /^millrace\/postgres$/, replacement: door('postgres') },
      { find: /^millrace\/msgpack$/, replacement: door('msgpack') },
    ],
  },
  test: {
    pool: 'threads',
    isolate: false,
    testTimeout: 30_000,
    reporters: ['default', './test/reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: tests('test.ts'),
          exclude: [
            ...tests('kafka.test.ts'),
            ...tests('server.test.ts'),
            'test/faults/**',
            'test/deep/**',
          ],
        },
      },
      {
        extends: true,
        // Need a real broker, which is started once for all of them.
        test: {
          name: 'kafka',
          include: tests('kafka.test.ts'),
          globalSetup: ['test/kafka/setup.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        // Start server programs of their own: mosquitto, PostgreSQL.
        test: {
          name: 'servers',
          include: tests('server.test.ts'),
          globalSetup: ['test/servers/setup.ts'],
          testTimeout: 60_000,
        },
      },
    ],
  },
})
