/** The driver's process, as the test sees it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { DriverSettings } from './driver.ts'

const program = fileURLToPath(new URL('driver.ts', import.meta.url))

export interface Driver {
  /** Where it writes down what was acknowledged. */
  readonly file: string
  /** Records acknowledged so far. */
  acknowledged(): number
  /** The first record that is due at this wall-clock time or later. */
  idAt(timeMs: number): number
  /** Has it write the last records; resolves when all is acknowledged. */
  finish(): Promise<void>
  kill(): void
}

export function startDriver(options: {
  readonly brokers: readonly string[]
  readonly directory: string
  readonly settings: DriverSettings
  readonly fail: (what: string) => void
}): Driver {
  const { brokers, directory, settings, fail } = options
  const file = join(directory, 'acknowledged.tsv')
  const log = openSync(join(directory, 'logs', 'driver.log'), 'a')
  const flags = ['--disable-warning=ExperimentalWarning']
  const args = [brokers.join(','), file, JSON.stringify(settings)]
  const child = spawn(process.execPath, [...flags, program, ...args], {
    stdio: ['pipe', 'pipe', log],
  })
  closeSync(log)
  let acknowledged = 0
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    acknowledged = Number(line)
  })
  let isKilled = false
  const ended = once(child, 'exit').then(([code, signal]) => {
    if (code !== 0 && !isKilled) fail(`the driver ended with ${code ?? signal}: see driver.log`)
  })
  return {
    file,
    acknowledged: () => acknowledged,
    idAt: (timeMs) => Math.ceil(((timeMs - settings.startMs) * settings.perSecond) / 1000),
    finish: async () => {
      child.stdin?.end()
      await ended
    },
    kill: () => {
      isKilled = true
      child.kill('SIGKILL')
    },
  }
}
