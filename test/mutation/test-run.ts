/** Runs some test files in a copy of the tree until one fails. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'

const reportFile = 'mutant.json'

export interface Failure {
  /** From the root; null: the run did not end in time. */
  readonly file: string | null
  readonly test: string
}

export interface RunOptions {
  readonly dir: string
  readonly workers: number
  readonly timeoutMs: number
}

/** @returns the first failure; null: all passed */
export function firstFailure(
  files: readonly string[],
  { dir, workers, timeoutMs }: RunOptions,
): Failure | null {
  if (files.length === 0) return null
  rmSync(join(dir, reportFile), { force: true })
  const vitest = join(dir, 'node_modules/vitest/vitest.mjs')
  const quietly = ['--silent', '--bail', '1', '--reporter=json', `--outputFile=${reportFile}`]
  const args = [vitest, 'run', '--project', 'unit', '--maxWorkers', String(workers), ...quietly]
  const run = spawnSync(process.execPath, [...args, ...files], {
    cwd: dir,
    stdio: 'ignore',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  if (run.status === 0) return null
  const isTooLong = run.error !== undefined && 'code' in run.error && run.error.code === 'ETIMEDOUT'
  if (isTooLong) return { file: null, test: 'does not end' }
  if (run.error !== undefined) throw run.error
  if (run.signal !== null) throw new Error(`the tests were ended by ${run.signal}`)
  return failureIn(dir)
}

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[]
  }[]
}

function failureIn(dir: string): Failure {
  const { testResults } = JSON.parse(readFileSync(join(dir, reportFile), 'utf8')) as Report
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed !== undefined) return { file: relative(dir, name), test: failed.title }
  }
  const file = testResults.find(({ status }) => status === 'failed')
  if (file === undefined) throw new Error('the tests failed, but none of them did')
  return { file: relative(dir, file.name), test: 'cannot be loaded' }
}
