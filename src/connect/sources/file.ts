/** The rows of a file as records: of one that is finished, or of one that grows. */
import type { Duration } from '../../core/duration.ts'
import { MillraceError } from '../../core/error.ts'
import { checkSourceName } from '../../pipeline/source-start.ts'
import { follow } from '../files/follow.ts'
import { readWhole } from '../files/read-whole.ts'
import type { FilePosition } from '../files/read-whole.ts'
import { rowFormat, rowOptionNames } from '../files/row-format.ts'
import type { RowOptions } from '../files/row-format.ts'
import { checkOptionNames } from '../option-names.ts'
import { atLeastMs, checkPath, nameOfPath } from '../source-options.ts'
import type { Source } from '../source.ts'

export type { FilePosition } from '../files/read-whole.ts'

export interface FileSourceOptions extends RowOptions {
  /** Its position is kept under it. Default: the file's name. */
  readonly name?: string
  /**
   * Go on when the end is reached: wait for more, and for another file under the name. Default
   * false: the file is finished, the source ends with it.
   */
  readonly follow?: boolean
  /** With `follow`: between two looks, where the system does not tell. Default `'250ms'`. */
  readonly poll?: Duration
  /** With `follow`: how long a renamed file must not have grown to be whole. Default `'1s'`. */
  readonly settle?: Duration
}

/**
 * A file as a source: NDJSON, CSV or plain lines; packed with gzip where its name ends with `.gz`.
 * Exactly-once into its topic: the position, a byte offset behind a whole line, is committed with
 * the records.
 *
 * With `follow`, a last line without line end is taken when it has one. A file that was renamed
 * (`app.log` to `app.log.1`) is read to its end before the new one, also when that happened while
 * the program did not run. One that is cut short is read from its start again, which is told; what
 * was cut off unread is lost, so rename files rather than cut them.
 *
 * What cannot be read (no JSON, no UTF-8, a row with another number of fields) goes on as it is,
 * to be a dead letter of the pipeline. A line longer than `lineBytesMax` ends the run.
 * @param path of the file
 * @throws `invalid-argument` · `invalid-duration`. The run ends with `file-not-found` where a
 * finished file is not there, and with `record-too-large`
 * @example
 * const source = fileSource('readings.ndjson', { format: 'ndjson', key: 'device', time: 'at' })
 * from(source).to(readings).kind // => 'pipeline'
 */
export function fileSource(path: string, options: FileSourceOptions): Source<FilePosition> {
  checkPath('fileSource', path)
  const { name = nameOfPath(path), follow: isFollowed = false } = options
  checkSourceName(name)
  const who = `source '${name}'`
  checkOptionNames(who, options, fileOptionNames)
  const format = rowFormat(who, options)
  if (isFollowed && path.endsWith('.gz')) {
    throw new MillraceError('invalid-argument', `${who} cannot follow a packed file`, {
      hint: 'follow the file that is written, or read the packed one as finished',
    })
  }
  const pollMs = atLeastMs(who, 'poll', { value: options.poll ?? '250ms', leastMs: 1 })
  const settleMs = atLeastMs(who, 'settle', { value: options.settle ?? '1s', leastMs: 0 })
  return {
    kind: 'source',
    name,
    type: 'file',
    replayable: true,
    open: (position, { clock, signal, notice }) => {
      const reading = { path, format, clock, signal, notice }
      return isFollowed
        ? follow(position, { ...reading, pollMs, settleMs })
        : readWhole(position, reading)
    },
  }
}

const fileOptionNames = [
  ...rowOptionNames,
  'name',
  'follow',
  'poll',
  'settle',
] as const satisfies readonly (keyof FileSourceOptions)[]
