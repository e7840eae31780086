/**
 * The suite of the log's contract on the embedded log: with the writer in a thread, and in the
 * caller's.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { VirtualClock } from '../../core/clock.ts'
import type { Log } from '../log.ts'
import { defineLogConformance, type LogHarness, type LogSubject } from '../log.conformance.ts'
import { type EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from './embedded-log.ts'

interface Harness extends LogHarness {
  readonly dir: string
}

/** The wall clock's time stands still; what waits for another process is woken by files. */
function subject(writer: NonNullable<EmbeddedLogOptions['writer']>): LogSubject {
  return {
    name: `embedded (${writer})`,
    capabilities: [
      'reopen',
      'shared',
      'virtual-clock',
      'maintain',
      'dense',
      'instant',
      'any-time',
      'lazy',
      'exclusive',
    ],
    start: async (): Promise<Harness> => {
      const dir = mkdtempSync(join(tmpdir(), 'millrace-embedded-'))
      const clock = new VirtualClock(1_700_000_000_000)
      return {
        dir,
        clock,
        open: () => openEmbeddedLog({ dir, clock, writer }),
        maintain: (log: Log) => (log as EmbeddedLog).maintain(),
        limitMs: 5000,
      }
    },
    stop: async (harness) => rmSync((harness as Harness).dir, { recursive: true }),
  }
}

describe('writer in a thread', () => defineLogConformance(test, subject('thread')))
describe('writer in the caller', () => defineLogConformance(test, subject('inline')))
