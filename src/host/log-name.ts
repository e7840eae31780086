/** How a run names the log that it is to work on. */
import type { Log } from '../log/log.ts'

/** `kafka://host:port,host:port?option=value`: see docs/kafka.md. */
export type LogName = 'memory' | 'embedded' | `kafka://${string}`

/** A log that is yet to be opened, as `kafka(…)` of `millrace/kafka` gives it. */
export interface LogOpener {
  /** @param place the data directory of the process, where it has one */
  openLog(place?: { readonly data: string }): Promise<Log>
}
