/** `npm run test:deep`: the model tests with thousands of cases each. */
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const { projects: _, ...test } = base.test ?? {}

export default mergeConfig(
  { ...base, test },
  defineConfig({
    root,
    test: { include: ['test/deep/**/*.deep.test.ts'], testTimeout: 1_800_000 },
  }),
)
