/** What is written to this process: the lines of its standard input. */
import type { Readable } from 'node:stream'
import { checkSourceName } from '../../pipeline/source-start.ts'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import { rowFormat, rowOptionNames } from '../files/row-format.ts'
import type { RowFormat, RowOptions } from '../files/row-format.ts'
import { fileStart, RowRecords } from '../files/row-records.ts'
import type { Place } from '../files/row-records.ts'
import { checkOptionNames } from '../option-names.ts'
import type { Source, SourceBatch, SourceRecord } from '../source.ts'

export interface StdinSourceOptions extends RowOptions {
  /** Its position is kept under it. Default `stdin`. */
  readonly name?: string
  /** What is read in place of standard input: a socket, the output of a child. */
  readonly input?: Readable
}

/** How much this process and those before it were given. */
export interface StdinPosition extends Place {
  /** Processes that have read. */
  readonly run: number
}

/** Of one batch, beside its last line. */
const batchBytesMax = 4 << 20

/**
 * Standard input as a source: NDJSON, CSV or lines. It ends with its input; whoever writes is held
 * up when the log does not follow.
 *
 * Not replayable: lines that were read and not committed when the process was killed are gone. What
 * was committed is in the topic once, and while the process lives nothing is lost when the log
 * fails for a while.
 * @throws `invalid-argument`. The run ends with `record-too-large`
 * @example
 * from(stdinSource({ format: 'ndjson', key: 'device' })).to(readings).kind // => 'pipeline'
 */
export function stdinSource(options: StdinSourceOptions): Source<StdinPosition> {
  const { name = 'stdin' } = options
  checkSourceName(name)
  const who = `source '${name}'`
  checkOptionNames(who, options, [...rowOptionNames, 'name', 'input'])
  const format = rowFormat(who, options)
  let reading: Reading | null = null
  return {
    kind: 'source',
    name,
    type: 'stdin',
    replayable: false,
    open: (position, { clock, signal }) => {
      reading ??= new Reading(options.input ?? process.stdin, format, (position?.run ?? 0) + 1)
      return reading.batches(position, clock, signal)
    },
  }
}

/** One input; it outlives a failure of the log, and with it what was read and is not committed. */
class Reading {
  readonly #input: Readable
  readonly #format: RowFormat
  readonly #run: number
  readonly #rows: RowRecords
  /** Given, and perhaps not committed. */
  #given: SourceBatch<StdinPosition> | null = null
  #hasEnded = false
  #failure: Error | null = null
  #wake: () => void = () => {}

  constructor(input: Readable, format: RowFormat, run: number) {
    this.#input = input
    this.#format = format
    this.#run = run
    this.#rows = new RowRecords(format, { file: 'stdin', place: fileStart, columns: null })
    const wake = (): void => this.#wake()
    input.on('readable', wake)
    input.on('error', (error) => {
      this.#failure = error
      wake()
    })
    const end = (): void => {
      this.#hasEnded = true
      wake()
    }
    input.on('end', end)
    input.on('close', end)
    // It ended before anyone looked.
    if (input.readableEnded || input.destroyed) this.#hasEnded = true
  }

  async *batches(
    from: StdinPosition | null,
    clock: Clock,
    signal: AbortSignal,
  ): AsyncGenerator<SourceBatch<StdinPosition>, void> {
    const given = this.#given
    const isCommitted =
      given === null || (from?.run === this.#run && from.offset >= given.position.offset)
    // An input that stays open does not keep a process alive that reads it no more.
    const held = this.#input as { ref?: () => void; unref?: () => void }
    held.ref?.()
    try {
      if (!isCommitted && !signal.aborted) yield given
      yield* this.#rest(clock, signal)
    } finally {
      held.unref?.()
    }
  }

  async *#rest(
    clock: Clock,
    signal: AbortSignal,
  ): AsyncGenerator<SourceBatch<StdinPosition>, void> {
    while (!signal.aborted) {
      const { records, isAtEnd } = this.#take(clock.now())
      if (records.length > 0) {
        this.#given = { records, position: { run: this.#run, ...this.#rows.place } }
        yield this.#given
      } else if (isAtEnd) return
      else await this.#more(signal)
    }
  }

  #take(readMs: number): { readonly records: SourceRecord[]; readonly isAtEnd: boolean } {
    const records: SourceRecord[] = []
    for (let bytes = 0; records.length < this.#format.batch && bytes < batchBytesMax;) {
      let row = this.#rows.next(readMs, false)
      if (row === null) {
        const chunk = this.#input.read() as Buffer | string | null
        if (chunk !== null) {
          this.#rows.push(Buffer.from(chunk))
          continue
        }
        if (this.#failure !== null) throw unreadable(this.#failure)
        row = this.#hasEnded ? this.#rows.next(readMs, true) : null
        if (row === null) return { records, isAtEnd: this.#hasEnded }
      }
      bytes += row.bytes
      if (row.record !== null) records.push(row.record)
    }
    return { records, isAtEnd: false }
  }

  /** Until there is more to read, or the signal fires. */
  async #more(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        this.#wake = () => {}
        signal.removeEventListener('abort', end)
        resolve()
      }
      this.#wake = end
      signal.addEventListener('abort', end)
      // It may have come since it was looked for.
      if (signal.aborted || this.#hasEnded || this.#failure !== null) end()
      else if (this.#input.readableLength > 0) end()
    })
  }
}

function unreadable(cause: Error): MillraceError {
  const text = `the standard input cannot be read: ${cause.message}`
  return new MillraceError('source-failed', text, { cause })
}
