/** A recording in a file, for `replay`. */
import { checkSourceName } from '../../pipeline/source-start.ts'
import { MillraceError } from '../../core/error.ts'
import type { SourceRecord } from '../source.ts'
import { checkOptionNames } from '../option-names.ts'
import { checkPath, nameOfPath } from '../source-options.ts'
import type { Recording, RecordingRow } from '../sources/replay.ts'
import { rowFormat, rowOptionNames } from './row-format.ts'
import type { RowFormat, RowOptions } from './row-format.ts'
import { RowFile } from './row-file.ts'

export interface RecordingOptions extends Omit<RowOptions, 'batch'> {
  /** When a row happened: a field, or a function of the value. */
  readonly time: NonNullable<RowOptions['time']>
  /** The source's name. Default: the file's name. */
  readonly name?: string
}

/**
 * A file as a recording: NDJSON, CSV or lines, packed where its name ends with `.gz`, each row with
 * a time. Rows are given in the order of the file, which is the order in which they came in: a row
 * that is earlier than those before it comes right behind them, out of order as it was, and one
 * whose time cannot be read comes with the one before. A record's own time is that of its coming;
 * the time within the value is for the topic's option `time`.
 * @throws `invalid-argument`. The run ends with `record-too-large`
 * @example
 * const day = recording('trades.csv', { format: 'csv', time: 'at' })
 * replay({ recording: day, speed: 60 }).name // => 'trades.csv'
 */
export function recording(path: string, options: RecordingOptions): Recording {
  checkPath('recording', path)
  const { name = nameOfPath(path), time } = options
  checkSourceName(name)
  const who = `recording '${name}'`
  checkOptionNames(who, options, [...rowOptionNames.filter((one) => one !== 'batch'), 'name'])
  if (time === undefined) {
    throw new MillraceError('invalid-argument', `${who} needs the option time`, {
      hint: "name the field that says when a row happened: time: 'at'",
    })
  }
  const format = rowFormat(who, { ...options, batch: rowsMax })
  return { name, earlyMsMax: 0, rows: (row) => rowsOf(path, format, row) }
}

/** Rows given at a time. */
const rowsMax = 2_000
/** Stands for: its time cannot be read. */
const noTime = Number.NEGATIVE_INFINITY

async function* rowsOf(
  path: string,
  format: RowFormat,
  fromRow: number,
): AsyncGenerator<readonly RecordingRow[], void> {
  const file = await RowFile.open(path, format)
  try {
    let row = 0
    let latestMs = noTime
    /** Those before the first time that can be read. */
    let untimed: SourceRecord[] = []
    for (let isAtEnd = false; !isAtEnd;) {
      const taken = await file.take(noTime, true)
      isAtEnd = taken.isAtEnd
      const rows: RecordingRow[] = []
      const give = (record: SourceRecord): void => {
        if (row >= fromRow) rows.push({ ...record, time: latestMs, arrivesAt: latestMs })
        row += 1
      }
      for (const record of taken.records) {
        latestMs = Math.max(latestMs, record.time)
        if (latestMs === noTime && untimed.length < rowsMax) {
          untimed.push(record)
          continue
        }
        if (latestMs === noTime) throw untimely(path)
        for (const before of untimed) give(before)
        untimed = []
        give(record)
      }
      if (isAtEnd && untimed.length > 0) throw untimely(path)
      if (rows.length > 0) yield rows
    }
  } finally {
    await file.close()
  }
}

function untimely(path: string): MillraceError {
  return new MillraceError('invalid-argument', 'no row of the recording has a time', {
    at: { file: path },
    hint: 'correct the option time: a field with ms since 1970, or a date as ISO 8601',
  })
}
