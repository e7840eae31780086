/** How a run names the log that it is to work on. */
import type { Log } from '../log/log.ts'
import type { LogNotice } from './log-notice.ts'

/** `kafka://host:port,host:port?option=value`: see docs/kafka.md. */
export type LogName = 'memory' | 'embedded' | `kafka://${string}`

export interface LogUse {
  /** The data directory of the process, where it has one. */
  readonly data?: string
  /** Told what goes on with the log. Default: nobody. */
  readonly tell?: (notice: LogNotice) => void
}

/** A log that is yet to be opened, as `kafka(…)` of `millrace/kafka` gives it. */
export interface LogOpener {
  openLog(use?: LogUse): Promise<Log>
}
