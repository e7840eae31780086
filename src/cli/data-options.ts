/** `--data` and `--log`, which every command takes, and the opening of the log they name. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { isCode, MillraceError } from '../core/error.ts'
import type { Log } from '../log/log.ts'

export interface DataOptions {
  readonly data?: string
  readonly log?: string
}

/** Adds `--data` and `--log` to a command. */
export function withDataOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'data directory (default: MILLRACE_DATA, else .millrace)')
    .option(
      '--log <log>',
      'log to work on: embedded, memory, kafka://host:port (default: MILLRACE_LOG, else embedded)',
    )
}

/**
 * `look`: only reads, changes nothing on disk. `change`: works on data that is there. `begin`:
 * makes the data directory where there is none.
 */
export type LogUse = 'look' | 'change' | 'begin'

/**
 * Opens the log, hands it to `work`, closes it.
 * @throws `file-not-found` where there is no data and `use` is not `begin` · what opening throws
 */
export async function withLog<R>(
  options: DataOptions,
  use: LogUse,
  work: (log: Log) => Promise<R>,
): Promise<R> {
  const { dataDirectory, openLog } = await import('../host/open-log.ts')
  const kind = options.log ?? process.env['MILLRACE_LOG'] ?? 'embedded'
  const directory = dataDirectory(options.data)
  if (use !== 'begin' && kind === 'embedded' && !existsSync(directory)) throw noData(directory)
  const log = await openLog({ ...options, readOnly: use === 'look' }).catch((thrown: unknown) => {
    throw isCode(thrown, 'file-not-found') ? noData(directory) : thrown
  })
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

function noData(directory: string): MillraceError {
  return new MillraceError('file-not-found', `there is no data in ${directory}`, {
    hint:
      'begin with: millrace topics create NAME --partitions 1, ' +
      'or name the directory: --data DIR',
  })
}
