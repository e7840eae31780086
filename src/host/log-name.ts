/** How a run names the log that it is to work on. */
import type { Log } from '../log/log.ts'
import type { LogNotice } from './log-notice.ts'

/** `kafka://host:port,host:port?option=value`: see docs/kafka.md. */
export type LogName = 'memory' | 'embedded' | `kafka://${string}`

/** A log that is yet to be opened, as `kafka(…)` of `millrace/kafka` gives it. */
export interface LogOpener {
  /** @param use who is told what goes on with it; default nobody */
  openLog(use?: { readonly tell?: (notice: LogNotice) => void }): Promise<Log>
}
