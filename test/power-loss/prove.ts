/** That the power cuts find what they are for: each planted fault must fail the test. */
import { AssertionError } from 'node:assert'
import { join } from 'node:path'
import { powerLoss } from './power-loss.ts'
import type { PowerLossOptions } from './power-loss.ts'
import type { Skipped } from './recording.ts'

const planted: Readonly<Record<string, NonNullable<PowerLossOptions['planted']>>> = {
  'PRAGMA synchronous = OFF': { synchronous: 'OFF' },
  'PRAGMA synchronous = NORMAL': { synchronous: 'NORMAL' },
  'an fsync of a file that does nothing': { lies: 'files' },
  'an fsync of a directory that does nothing': { lies: 'directories' },
}
/** One recording. */
const imagesMax = 25

/** Failures that say nothing of what was planted. */
const notThat = /victim ended|ended by itself|neither died|waited too long/

/** @returns what was found of each. @throws an assertion error where one is not found */
export async function provePowerLoss(
  options: Pick<PowerLossOptions, 'dir' | 'seed' | 'mode'>,
): Promise<Readonly<Record<string, string>> | Skipped> {
  const found: Record<string, string> = {}
  for (const [i, [name, fault]] of Object.entries(planted).entries()) {
    const dir = join(options.dir, String(i))
    try {
      const report = await powerLoss({ ...options, dir, images: imagesMax, planted: fault })
      if ('skipped' in report) return report
    } catch (error) {
      if (!(error instanceof AssertionError) || notThat.test(error.message)) throw error
      found[name] = error.message.split('\n')[0] ?? ''
      continue
    }
    throw new Error(`seed ${options.seed}: ${imagesMax} power cuts have not found ${name}`)
  }
  return found
}
