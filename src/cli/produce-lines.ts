/** From standard input to a topic: read, cut into lines, pace, append, acknowledge. */
import type { Readable } from 'node:stream'
import { pause } from '../connect/pause.ts'
import { MillraceError } from '../core/error.ts'
import type { Log, TopicInfo } from '../log/log.ts'
import { Appender } from './appender.ts'
import { catchInterrupt, type Context } from './context.ts'
import { lineReader, type LineOptions } from './line-records.ts'
import { LineSplitter, type LongLine } from './line-splitter.ts'
import { Pace } from './pace.ts'
import { Progress } from './progress.ts'
import { formatCount, plural } from './text-format.ts'

export interface ProduceLinesOptions extends LineOptions {
  /** Records a second at most. */
  readonly rate?: number
}

/** A chunk of at least this size comes from a fast input: worth gathering before an append. */
const bulkChunkBytes = 32_768
/** Bytes of a fast input that make an append. */
const bulkBytes = 1_048_576
/** An append is started after this long, however little was gathered. */
const gatherMs = 5

/**
 * Appends all lines of standard input. Tells on standard error how many records are on disk, also
 * after Ctrl-C (whole lines that were read are written) and before an error is thrown.
 * @throws `record-too-large` · `decode-failed` · `invalid-argument`, naming the line · what
 *   `Log.append` throws
 */
export async function produceLines(
  log: Log,
  topic: TopicInfo,
  options: ProduceLinesOptions,
  context: Context,
): Promise<void> {
  const interrupt = catchInterrupt()
  const stop = new AbortController()
  interrupt.signal.addEventListener('abort', () => stop.abort())
  const appender = new Appender(log, topic, () => stop.abort())
  const progress = new Progress(context, context.stdinBytes())
  const tell = (): void => {
    progress.end()
    context.note(`${plural(appender.acknowledged, 'record')} acknowledged`)
  }
  if (context.isTerminal.stdin) context.note('each line is a record; Ctrl-D ends the input')
  try {
    await new LineProducer({ appender, topic, options, context, progress }).readAll(stop.signal)
    await appender.finish()
  } catch (error) {
    // What was read before the line that is refused is written.
    await appender.finish().catch(() => {})
    tell()
    throw error
  } finally {
    interrupt.release()
    context.stdin.destroy()
  }
  tell()
}

interface LineProducerOptions {
  readonly appender: Appender
  readonly topic: TopicInfo
  readonly options: ProduceLinesOptions
  readonly context: Context
  readonly progress: Progress
}

class LineProducer {
  readonly #appender: Appender
  readonly #topic: TopicInfo
  readonly #context: Context
  readonly #progress: Progress
  readonly #splitter: LineSplitter
  readonly #record: ReturnType<typeof lineReader>
  readonly #pace: Pace | null
  #bytes = 0
  #cancelFlush: (() => void) | null = null

  constructor({ appender, topic, options, context, progress }: LineProducerOptions) {
    const separator = Buffer.byteLength(options.keySeparator ?? '')
    this.#appender = appender
    this.#topic = topic
    this.#context = context
    this.#progress = progress
    this.#splitter = new LineSplitter(topic.config.recordBytesMax + separator)
    this.#record = lineReader(options)
    this.#pace = options.rate === undefined ? null : new Pace(options.rate, context.clock)
  }

  /** Returns at the end of input or when `signal` is aborted. */
  async readAll(signal: AbortSignal): Promise<void> {
    try {
      for await (const chunk of chunksOf(this.#context.stdin, signal)) {
        await this.#takeChunk(chunk, signal)
        if (signal.aborted) return
      }
      // A signal may have cut a line off: only the end of input ends one without a newline.
      const last = signal.aborted ? null : this.#splitter.end()
      if (last !== null) await this.#takeLine(last, signal)
    } finally {
      this.#cancelFlush?.()
    }
  }

  async #takeChunk(chunk: Buffer, signal: AbortSignal): Promise<void> {
    this.#bytes += chunk.length
    this.#splitter.push(chunk)
    for (;;) {
      const line = this.#splitter.next()
      if (line === null) break
      if (!this.#takeUnpaced(line)) await this.#takeLine(line, signal)
      if (signal.aborted) return
    }
    this.#flushSoon(chunk.length)
    this.#progress.update(this.#appender.acknowledged, this.#bytes)
    await this.#appender.room()
  }

  /** The usual way, without a promise for each line. */
  #takeUnpaced(line: Buffer | LongLine): boolean {
    if (this.#pace !== null) return false
    this.#add(line)
    return true
  }

  async #takeLine(line: Buffer | LongLine, signal: AbortSignal): Promise<void> {
    const waitMs = this.#pace?.take() ?? 0
    if (waitMs > 0) {
      this.#appender.flush()
      this.#progress.update(this.#appender.acknowledged, this.#bytes)
      await pause(this.#context.clock, waitMs, signal)
      if (signal.aborted) return
    }
    this.#add(line)
    await this.#appender.room()
  }

  #add(line: Buffer | LongLine): void {
    if (!Buffer.isBuffer(line)) throw this.#tooLong(line)
    const record = this.#record(line, this.#splitter.lineNumber)
    if (record === null) return
    const bytes = (record.key?.length ?? 0) + record.value.length
    if (bytes > this.#topic.config.recordBytesMax) {
      throw this.#tooLong({ kind: 'too-long', bytes, isWhole: true })
    }
    this.#appender.add(record.key, record.value, this.#context.clock.now())
  }

  /** A slow input is appended at once, a fast one in larger pieces. */
  #flushSoon(chunkBytes: number): void {
    if (chunkBytes < bulkChunkBytes || this.#appender.waitingBytes >= bulkBytes) {
      this.#cancelFlush?.()
      this.#cancelFlush = null
      this.#appender.flush()
      return
    }
    this.#cancelFlush ??= this.#context.clock.after(gatherMs, () => {
      this.#cancelFlush = null
      this.#appender.flush()
    })
  }

  #tooLong({ bytes, isWhole }: LongLine): MillraceError {
    const { name, config } = this.#topic
    const size = `${isWhole ? '' : 'more than '}${formatCount(bytes)} bytes`
    const text =
      `line ${this.#splitter.lineNumber} has ${size}; ` +
      `topic '${name}' accepts ${formatCount(config.recordBytesMax)}`
    return new MillraceError('record-too-large', text, {
      hint:
        'shorten the line, or accept more: ' +
        `millrace topics alter ${name} --record-bytes-max ${roundUp(bytes)}`,
    })
  }
}

/** A size to write behind an option: whole MiB, at least `bytes`. */
function roundUp(bytes: number): string {
  return `${Math.ceil(bytes / 1_048_576)}MiB`
}

/** The chunks of a stream until it ends or the signal is aborted, which closes the stream. */
async function* chunksOf(stdin: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const close = (): void => {
    stdin.destroy()
  }
  signal.addEventListener('abort', close, { once: true })
  try {
    for await (const chunk of stdin) yield chunk as Buffer
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
