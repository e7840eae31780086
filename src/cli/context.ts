/** What a command gets of the process around it: streams, time, and the signals that end it. */
import type { Readable } from 'node:stream'
import { fstatSync } from 'node:fs'
import { type Clock, systemClock } from '../core/clock.ts'
import { Output } from './output.ts'

export interface Context {
  readonly stdin: Readable
  /** For results, and nothing else. */
  readonly stdout: Output
  /** For people: notes, progress, errors. One call writes one line. */
  readonly note: (line: string) => void
  /** Writes to standard error as it is; for lines that are overwritten. */
  readonly writeError: (text: string) => void
  readonly isTerminal: {
    readonly stdin: boolean
    readonly stdout: boolean
    readonly stderr: boolean
  }
  /** Bytes of the file that standard input is; null where it is something else. */
  readonly stdinBytes: () => number | null
  readonly clock: Clock
}

/** The context of the real process. */
export function processContext(): Context {
  const { stderr } = process
  // Whoever read the notes may be gone; the work goes on.
  stderr.on('error', () => {})
  return {
    // A getter: to touch `process.stdin` opens it.
    get stdin() {
      return process.stdin
    },
    stdout: new Output(process.stdout),
    note: (line) => {
      stderr.write(`${line}\n`)
    },
    writeError: (text) => {
      stderr.write(text)
    },
    isTerminal: {
      get stdin() {
        return process.stdin.isTTY === true
      },
      stdout: process.stdout.isTTY === true,
      stderr: stderr.isTTY === true,
    },
    stdinBytes: () => {
      const stat = fstatSync(0)
      return stat.isFile() ? stat.size : null
    },
    clock: systemClock,
  }
}

/** Exit code where a second Ctrl-C ends the process at once. */
const exitInterrupted = 130

export interface Interrupt {
  /** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once, with 130. */
  readonly signal: AbortSignal
  /** Gives the signals back their usual meaning. Idempotent. */
  release(): void
}

/** From now on, Ctrl-C and SIGTERM ask the command to finish instead of ending it. */
export function catchInterrupt(): Interrupt {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(exitInterrupted)
    controller.abort()
  }
  const names = ['SIGINT', 'SIGTERM'] as const
  for (const name of names) process.on(name, onSignal)
  return {
    signal: controller.signal,
    release: () => {
      for (const name of names) process.off(name, onSignal)
    },
  }
}
