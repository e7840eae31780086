/** Files by time: each record in exactly one of them, none of them ever half. */
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { isCode, MillraceError } from '../../core/error.ts'
import { checkSinkName } from '../../pipeline/sink-spec.ts'
import { deliveryOptionNames, deliverySpec } from '../delivery/delivery-options.ts'
import { checkOptionNames } from '../option-names.ts'
import type { DeliveryOptions } from '../delivery/delivery-options.ts'
import { asAway } from '../files-out/disk.ts'
import { fenced } from '../files-out/manifest.ts'
import { csvFormat, ndjsonFormat, parquetFormat } from '../files-out/file-format.ts'
import type { ColumnType, FileFormat } from '../files-out/file-format.ts'
import { PartitionFiles } from '../files-out/partition-files.ts'
import type { FilesPlan } from '../files-out/partition-files.ts'
import { columnsFault } from '../files/row-format.ts'
import { loadParquet, writeParquet } from '../parquet/write-parquet.ts'
import type {
  OutboxPlace,
  SinkPartition,
  TransactionalConnection,
  TransactionalSink,
} from '../sink.ts'

export interface FilesOptions extends Omit<DeliveryOptions, 'order' | 'concurrency'> {
  /** Where the files go; made where it is not there. */
  readonly dir: string
  /**
   * `ndjson`: a JSON value a line. `csv` and `parquet`: objects, of which `columns` are written.
   * Parquet needs the package hyparquet-writer.
   */
  readonly format: 'ndjson' | 'csv' | 'parquet'
  /** CSV: the names. Parquet: each with its type. What a value does not have is empty, or null. */
  readonly columns?: readonly string[] | Readonly<Record<string, ColumnType>>
  /** CSV: one character of ASCII. Default `','`. */
  readonly delimiter?: string
  /** How much time a file is of: whole multiples since 1970 UTC. Default `'1h'`. */
  readonly every?: Duration
  /** Which time: that of the record (default), or that of its writing. */
  readonly by?: 'event-time' | 'arrival'
  /**
   * By event time: how far a record must be behind a window's end for its file to be complete. One
   * that comes later is in another file of the window. Default `'1m'`.
   */
  readonly lateness?: Duration
  /** A file that has so many bytes of rows is complete. 1 to 2^40. Default 256 MiB. */
  readonly fileBytesMax?: number
}

const fileBytesDefault = 256 << 20
const fileBytesLargest = 2 ** 40
const batchDefault = 5_000
/** Before a file that could not be completed is tried again. */
const retryMs = 5_000
const columnTypes: readonly string[] = [
  'string',
  'boolean',
  'int32',
  'int64',
  'double',
  'timestamp',
  'json',
] satisfies ColumnType[]

/**
 * A sink that writes files by time: `NAME-2026-11-24T03-p0-000000001200.ndjson` holds the records
 * of an hour of partition 0 from offset 1200 on. Exactly once: each record is in one file, also
 * when the program is killed at any moment, or the disk is full for a while. A file is complete
 * when it has its name, and is never changed then: take it away when you like.
 *
 * What is not complete lies in `.millrace` in the folder, and is gone on with after a restart; so
 * is the position. The disk must know hard links. A record that has no row (no JSON, another type
 * than its column) is a dead letter.
 * @param name stable, unique in its pipeline: 1 to 100 of `a-z A-Z 0-9 . _ -`
 * @throws `invalid-argument` · `invalid-duration`. The run ends with `missing-dependency`
 * @example
 * const archive = files('archive', { dir: 'archive', format: 'ndjson', every: '1h' })
 * from(readings).to(archive).kind // => 'pipeline'
 */
export function files<V = unknown, K = unknown>(
  name: string,
  options: FilesOptions,
): TransactionalSink<V, K> {
  checkSinkName(name)
  checkOptionNames(`sink '${name}'`, options, optionNames)
  const { dir, by = 'event-time', fileBytesMax = fileBytesDefault } = options
  if (typeof dir !== 'string' || dir === '') throw refused(name, 'dir', "a path: 'archive'")
  if (by !== 'event-time' && by !== 'arrival')
    throw refused(name, 'by', "'event-time' or 'arrival'")
  if (!(Number.isInteger(fileBytesMax) && fileBytesMax >= 1 && fileBytesMax <= fileBytesLargest))
    throw refused(name, 'fileBytesMax', 'a whole number from 1 to 2^40')
  const everyMs = durationMs(options.every ?? '1h', 'every')
  if (everyMs < 1) throw refused(name, 'every', "at least '1ms'")
  const latenessMs = durationMs(options.lateness ?? '1m', 'lateness')
  const openFormat = formatOf(name, options)
  const stage = join(dir, '.millrace')
  const times = { everyMs, by, latenessMs, fileBytesMax }
  const away = (thrown: unknown): never => {
    throw asAway(thrown, dir)
  }
  let isMade = false
  return {
    kind: 'sink',
    guarantee: 'exactly-once',
    name,
    type: 'files',
    codec: null,
    keep: options.keep ?? false,
    delivery: deliverySpec(name, options, {
      batch: batchDefault,
      order: 'partition',
      concurrency: 8,
    }),
    open: async ({ clock }) => {
      const format = await openFormat()
      // Made once: a folder that is gone later, as its disk is, is waited for. In an empty one
      // the position would not be known.
      await (isMade ? access(stage) : mkdir(stage, { recursive: true })).catch(away)
      isMade = true
      return new FilesConnection({ name, dir, stage, format, ...times }, clock)
    },
  }
}

class FilesConnection implements TransactionalConnection {
  readonly #plan: FilesPlan
  readonly #clock: Clock
  readonly #taken = new Map<string, { readonly epoch: number; readonly files: PartitionFiles }>()
  /** One after the other. */
  #taking: Promise<unknown> = Promise.resolve()
  readonly #retries = new Set<() => void>()
  #isClosed = false

  constructor(plan: FilesPlan, clock: Clock) {
    this.#plan = plan
    this.#clock = clock
  }

  take(place: OutboxPlace): Promise<SinkPartition> {
    const taking = this.#taking.catch(() => {}).then(() => this.#take(place))
    this.#taking = taking
    return taking
  }

  async #take(place: OutboxPlace): Promise<SinkPartition> {
    const key = `${place.topic}/${place.partition}`
    const before = this.#taken.get(key)
    if (before !== undefined && before.epoch > place.epoch) throw fenced(place)
    await before?.files.idle()
    // After a record that was refused, or a time-out: all is as it was.
    if (before?.epoch === place.epoch && before.files.isGood) return before.files
    await before?.files.close()
    this.#taken.delete(key)
    const taken = await PartitionFiles.take(this.#plan, place, this.#clock)
    this.#taken.set(key, { epoch: place.epoch, files: taken })
    taken.whenStuck(() => this.#takeAgain(place))
    return taken
  }

  /** A file was due while the disk was full: no record may come to try it again. */
  #takeAgain(place: OutboxPlace): void {
    if (this.#isClosed) return
    const cancel = this.#clock.after(retryMs, () => {
      this.#retries.delete(cancel)
      void this.take(place).catch((thrown: unknown) => {
        if (!isCode(thrown, 'task-fenced')) this.#takeAgain(place)
      })
    })
    this.#retries.add(cancel)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const cancel of this.#retries) cancel()
    await this.#taking.catch(() => {})
    await Promise.all([...this.#taken.values()].map((taken) => taken.files.close()))
  }
}

/** @returns opens the format, with what it needs */
function formatOf(name: string, options: FilesOptions): () => Promise<FileFormat> {
  const { format, columns, delimiter } = options
  if (delimiter !== undefined && format !== 'csv')
    throw refused(name, 'delimiter', "it with the format 'csv' only")
  if (format === 'ndjson') {
    if (columns !== undefined) throw refused(name, 'columns', "it with 'csv' and 'parquet' only")
    return async () => ndjsonFormat
  }
  if (format === 'csv') {
    const names = columns as readonly string[]
    if (columnsFault(names) !== null) throw refused(name, 'columns', 'a list of names, each once')
    if (delimiter !== undefined && !/^[\t\u0020-\u007e]$/.test(delimiter))
      throw refused(name, 'delimiter', 'one character of ASCII')
    if (delimiter === '"') throw refused(name, 'delimiter', 'a character that is no quote')
    return async () => csvFormat(names, delimiter ?? ',')
  }
  if (format !== 'parquet') throw refused(name, 'format', "'ndjson', 'csv' or 'parquet'")
  const types = (columns ?? {}) as Readonly<Record<string, ColumnType>>
  const isRight =
    !Array.isArray(types) &&
    Object.keys(types).length > 0 &&
    Object.values(types).every((type) => columnTypes.includes(type))
  if (!isRight) throw refused(name, 'columns', `names with types: ${columnTypes.join(', ')}`)
  return async () => {
    const library = await loadParquet()
    return parquetFormat(types, (from) => writeParquet(library, types, from))
  }
}

function refused(sink: string, option: string, allowed: string): MillraceError {
  const text = `${option} of sink '${sink}' has a value that it cannot have`
  return new MillraceError('invalid-argument', text, { hint: `use ${allowed}` })
}

const optionNames: readonly string[] = [
  ...deliveryOptionNames.filter((one) => one !== 'order' && one !== 'concurrency'),
  'dir',
  'format',
  'columns',
  'delimiter',
  'every',
  'by',
  'lateness',
  'fileBytesMax',
]
