/**
 * Three million real flights: US domestic flights from 1 January to 30 June 2001, each with its
 * scheduled departure and its delay (npm package vega-datasets, from the Bureau of Transportation
 * Statistics). Read as a recording that is honestly out of order: a flight's event time is its
 * scheduled time, but it becomes known only at scheduled time + delay.
 *
 * The packages that hold and read the file come with a clone, not with the published package.
 */
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { messageOf, MillraceError } from '../core/error.ts'
import type { Recording, RecordingRow } from '../connect/sources/replay.ts'

/** The value of one record. */
export interface Flight {
  /** Number in the recording, from 0. */
  readonly row: number
  /** Scheduled departure, ISO 8601. */
  readonly scheduled: string
  /** Minutes; below 0: early. */
  readonly delay: number
  /** Miles. */
  readonly distance: number
  /** Airports, by their three letters. */
  readonly origin: string
  readonly destination: string
}

const minuteMs = 60_000
/** The earliest of the file's flights is 1,116 minutes early; the latest is 1,688 minutes late. */
const earlyMsMax = 1_200 * minuteMs
/** Rows made at a time out of a row group's columns: about 5 ms of work. */
const chunkRows = 2_000

/** The libraries and the file, found. */
interface Reading {
  readonly parquet: typeof import('hyparquet')
  readonly compressors: typeof import('hyparquet-compressors').compressors
  readonly path: string
}

/**
 * The recording, for `replay`.
 * @param clock asked to let other work have its turn between two columns
 * @throws `file-not-found` where the packages that hold and read the file are not installed
 */
export async function flightsRecording(clock: Clock): Promise<Recording> {
  const reading = await findFile()
  return { name: 'flights', earlyMsMax, rows: (row) => readRows(reading, row, clock) }
}

async function findFile(): Promise<Reading> {
  try {
    const parquet = await import('hyparquet')
    const { compressors } = await import('hyparquet-compressors')
    // The package's entry lies in a folder beside data/, and package.json is not exported.
    const entry = createRequire(import.meta.url).resolve('vega-datasets')
    const path = join(dirname(dirname(entry)), 'data', 'flights-3m.parquet')
    await (await open(path)).close()
    return { parquet, compressors, path }
  } catch (thrown) {
    throw new MillraceError('file-not-found', 'the recording of flights is not installed', {
      hint: 'npm install vega-datasets hyparquet hyparquet-compressors',
      cause: thrown,
    })
  }
}

async function* readRows(
  reading: Reading,
  fromRow: number,
  clock: Clock,
): AsyncGenerator<readonly RecordingRow[], void> {
  const handle = await open(reading.path)
  try {
    const file = await fileOf(handle)
    const metadata = await reading.parquet.parquetMetadataAsync(file)
    let groupStart = 0
    for (const group of metadata.row_groups) {
      const groupEnd = groupStart + Number(group.num_rows)
      if (groupEnd > fromRow) {
        const options = { ...reading, file, metadata, rowStart: groupStart, rowEnd: groupEnd }
        const columns = await readColumns(options, clock)
        for (let row = Math.max(groupStart, fromRow); row < groupEnd; row += chunkRows) {
          yield rowsOf(columns, groupStart, row, Math.min(row + chunkRows, groupEnd))
        }
      }
      groupStart = groupEnd
    }
  } catch (thrown) {
    if (thrown instanceof MillraceError) throw thrown
    throw new MillraceError('source-failed', `the flights cannot be read: ${messageOf(thrown)}`, {
      at: { file: reading.path },
      cause: thrown,
    })
  } finally {
    await handle.close()
  }
}

async function fileOf(handle: FileHandle): Promise<import('hyparquet').AsyncBuffer> {
  const { size } = await handle.stat()
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new ArrayBuffer(end - start)
      await handle.read(new Uint8Array(bytes), 0, end - start, start)
      return bytes
    },
  }
}

interface Columns {
  readonly date: readonly Date[]
  readonly delay: readonly (number | bigint)[]
  readonly distance: readonly (number | bigint)[]
  readonly origin: readonly string[]
  readonly destination: readonly string[]
}

interface GroupOptions extends Reading {
  readonly file: import('hyparquet').AsyncBuffer
  readonly metadata: import('hyparquet').FileMetaData
  readonly rowStart: number
  readonly rowEnd: number
}

/**
 * The columns of one row group. Each is one page of 272,727 values, so smaller pieces would be
 * decoded over and over; one column takes 15 to 25 ms (2001 data, 2 cores), then others have a
 * turn.
 */
async function readColumns(options: GroupOptions, clock: Clock): Promise<Columns> {
  const read = async <T>(name: keyof Columns): Promise<readonly T[]> => {
    let column: readonly T[] = []
    await options.parquet.parquetRead({
      ...options,
      columns: [name],
      onChunk: ({ columnData }) => {
        const part = columnData as ArrayLike<T>
        column =
          column.length === 0 && Array.isArray(part) ? part : [...column, ...Array.from(part)]
      },
    })
    const expected = options.rowEnd - options.rowStart
    if (column.length !== expected) {
      const text = `column ${name} has ${column.length} of ${expected} values`
      throw new MillraceError('source-failed', text, { at: { file: options.path } })
    }
    await clock.nextTurn()
    return column
  }
  return {
    date: await read<Date>('date'),
    delay: await read('delay'),
    distance: await read('distance'),
    origin: await read<string>('origin'),
    destination: await read<string>('destination'),
  }
}

function rowsOf(columns: Columns, groupStart: number, from: number, end: number): RecordingRow[] {
  const rows: RecordingRow[] = []
  for (let row = from; row < end; row++) {
    const i = row - groupStart
    const scheduled = columns.date[i] as Date
    const time = scheduled.getTime()
    const flight: Flight = {
      row,
      scheduled: scheduled.toISOString(),
      delay: Number(columns.delay[i]),
      distance: Number(columns.distance[i]),
      origin: columns.origin[i] as string,
      destination: columns.destination[i] as string,
    }
    const arrivesAt = time + flight.delay * minuteMs
    rows.push({ key: flight.origin, value: JSON.stringify(flight), time, arrivesAt })
  }
  return rows
}
