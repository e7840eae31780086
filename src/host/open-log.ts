/**
 * Which log a process works on: from options, else from the environment, else `.millrace` in the
 * working directory.
 */
import { resolve } from 'node:path'
import { MillraceError } from '../core/error.ts'
import type { Log } from '../log/log.ts'
import { openEmbeddedLog } from '../log/embedded/embedded-log.ts'
import { openMemoryLog } from '../log/memory/memory-log.ts'
import type { LogNotice } from './log-notice.ts'

export interface LogChoice {
  /** `memory`, `embedded` or `kafka://…`; default MILLRACE_LOG, else `embedded`. */
  readonly log?: string
  /**
   * Directory of the embedded log, and of what a process keeps beside Kafka; default MILLRACE_DATA,
   * else `.millrace`.
   */
  readonly data?: string
  /** Open for looking only; nothing is created. Default false. */
  readonly readOnly?: boolean
  /** Told what goes on with brokers: away, back, a membership lost. Default: nobody. */
  readonly tell?: (notice: LogNotice) => void
}

/**
 * Opens the log that options and environment name. The caller closes it.
 * @throws `invalid-argument` for a log that is not known · `log-read-only` · `log-damaged` ·
 * `log-version` · `missing-dependency` (Kafka: `npm install @platformatic/kafka`)
 */
export async function openLog(choice: LogChoice = {}): Promise<Log> {
  const kind = choice.log ?? process.env['MILLRACE_LOG'] ?? 'embedded'
  if (kind === 'memory') return openMemoryLog()
  const directory = dataDirectory(choice.data)
  if (kind === 'embedded') {
    return openEmbeddedLog({ dir: directory, readOnly: choice.readOnly ?? false })
  }
  if (kind.startsWith('kafka://')) {
    const { openKafkaUrl } = await import('./kafka.ts')
    const { tell } = choice
    return await openKafkaUrl(kind, { data: directory, ...(tell === undefined ? {} : { tell }) })
  }
  throw new MillraceError('invalid-argument', `log '${kind}' is not known`, {
    hint: 'use embedded (the default), memory, or kafka://host:port',
  })
}

/** Absolute path of the data directory. */
export function dataDirectory(data?: string): string {
  const given = data ?? process.env['MILLRACE_DATA']
  return resolve(given === undefined || given === '' ? '.millrace' : given)
}
