/** `npm run test:deep`: the model tests with thousands of cases each. */
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  defineConfig({
    root,
    test: { include: ['test/deep/**/*.deep.test.ts'], testTimeout: 1_800_000 },
  }),
)
