/** That the kills find what they are for: each planted fault must fail the test. */
import { AssertionError } from 'node:assert'
import { join } from 'node:path'
import { randomKills } from './random-kills.ts'

const roundsMax = 60

/** Failures that say nothing of what was planted. */
const notThat = /victim ended|ended by itself|neither died|waited too long/

/** @returns what was found of each. @throws an error where one is not found */
export async function proveRandomKills(options: {
  readonly dir: string
  readonly seed: number
}): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {}
  for (const planted of ['offsets-first', 'outputs-first'] as const) {
    const dir = join(options.dir, planted)
    try {
      await randomKills({ ...options, dir, rounds: roundsMax, planted })
    } catch (error) {
      if (!(error instanceof AssertionError) || notThat.test(error.message)) throw error
      found[planted] = error.message.split('\n')[0] ?? ''
      continue
    }
    throw new Error(`seed ${options.seed}: ${roundsMax} kills have not found a commit in two steps`)
  }
  return found
}
