/**
 * A recording given again as it came in: each row at the moment when it became known, on a clock
 * that runs `speed` times as fast as the real one. Event times keep the order they had then, so
 * what was out of order is out of order again.
 *
 * Exactly replayable: rows come in order of (arrival, row number), so a position is one such pair,
 * and all rows up to it were given. Beside it stands the first row not yet given, where reading
 * begins after a restart. The recording's clock then goes on from the position: a pause of the
 * program is a pause of the replay.
 */
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/error.ts'
import { ArrivalHeap, compareArrivals } from '../arrival-heap.ts'
import { pause } from '../pause.ts'
import type { Source, SourceBatch, SourceRecord } from '../source.ts'

export interface RecordingRow extends SourceRecord {
  /** When the row became known, ms since 1970. */
  readonly arrivesAt: number
}

/** Rows that never change. */
export interface Recording {
  /** Unique and stable: the source's name. */
  readonly name: string
  /** Rows become known at most this much before their `time`, ms: how far is read ahead. */
  readonly earlyMsMax: number
  /**
   * The rows from number `row` (from 0) on, a few thousand at a time, by `time` never going back.
   * Files are closed when the iteration ends. @throws `source-failed`
   */
  rows(row: number): AsyncIterable<readonly RecordingRow[]>
}

export interface ReplayOptions {
  readonly recording: Recording
  /** The recording's seconds in one second; Infinity: as fast as they are taken. */
  readonly speed: number
}

export interface ReplayPosition {
  /** Arrival and number of the last row given. */
  readonly arrivesAt: number
  readonly row: number
  /** Every row before this one was given. */
  readonly scanFrom: number
  /** Rows given in all. */
  readonly rowCount: number
}

/** Rows of one batch: at 20 batches a second, 40,000 rows a second. */
const batchRowsMax = 2_000
/** Rows that fall due within it share a batch, and so a commit. */
const stepMs = 50
const waitMsMax = 1_000

/**
 * A source that replays a recording; ends with its last row.
 * @throws `invalid-argument` for a speed that is not above 0
 */
export function replay({ recording, speed }: ReplayOptions): Source<ReplayPosition> {
  if (!(speed > 0)) {
    throw new MillraceError('invalid-argument', `the speed of a replay cannot be ${speed}`, {
      hint: 'give a number above 0: 1 is as it was, 3600 an hour a second',
    })
  }
  return {
    kind: 'source',
    name: recording.name,
    type: 'replay',
    replayable: true,
    open: (position, { clock, signal }) =>
      replayFrom({ recording, speed, clock }, position, signal),
  }
}

async function* replayFrom(
  { recording, speed, clock }: ReplayOptions & { readonly clock: Clock },
  from: ReplayPosition | null,
  signal: AbortSignal,
): AsyncGenerator<SourceBatch<ReplayPosition>, void> {
  const ahead = new ReadAhead(recording, from)
  try {
    const startMs = from?.arrivesAt ?? (await ahead.firstTime())
    if (startMs === null) return
    const startedMs = clock.monotonic()
    let rowCount = from?.rowCount ?? 0
    while (!signal.aborted) {
      // 0 × Infinity is NaN
      const reachedMs =
        speed === Infinity ? Infinity : startMs + (clock.monotonic() - startedMs) * speed
      const taken = await ahead.take(reachedMs, batchRowsMax)
      const last = taken.at(-1)
      if (last !== undefined) {
        rowCount += taken.length
        const { arrivesAt, row } = last
        yield { records: taken, position: { arrivesAt, row, scanFrom: ahead.scanFrom, rowCount } }
      }
      if (ahead.isEmpty) return
      if (taken.length === batchRowsMax) continue // behind: no waiting
      const dueInMs = (ahead.nextArrival - reachedMs) / speed
      await pause(clock, Math.min(Math.max(dueInMs, stepMs), waitMsMax), signal)
    }
  } finally {
    await ahead.close()
  }
}

interface PendingRow extends RecordingRow {
  readonly row: number
}

/** The rows read and not yet given, and the reading of more. */
class ReadAhead {
  readonly #recording: Recording
  readonly #from: ReplayPosition | null
  readonly #chunks: AsyncIterator<readonly RecordingRow[]>
  readonly #heap = new ArrivalHeap<PendingRow>()
  /** Row numbers in the heap, smallest first. */
  readonly #pending = new Set<number>()
  #nextRow: number
  #firstTime: number | null = null
  #lastTime = Number.NEGATIVE_INFINITY
  #isExhausted = false

  constructor(recording: Recording, from: ReplayPosition | null) {
    this.#recording = recording
    this.#from = from
    this.#nextRow = from?.scanFrom ?? 0
    this.#chunks = recording.rows(this.#nextRow)[Symbol.asyncIterator]()
  }

  /** Event time of the first row; null when there is none. */
  async firstTime(): Promise<number | null> {
    while (this.#firstTime === null && !this.#isExhausted) await this.#readChunk()
    return this.#firstTime
  }

  /** The first row that was not given. */
  get scanFrom(): number {
    for (const row of this.#pending) return row
    return this.#nextRow
  }

  /** Nothing is left to give. */
  get isEmpty(): boolean {
    return this.#isExhausted && this.#heap.size === 0
  }

  /** When the next row falls due, as far as is known. */
  get nextArrival(): number {
    return Math.min(this.#heap.peek()?.arrivesAt ?? Number.POSITIVE_INFINITY, this.#safeMs)
  }

  /** Rows not read yet arrive then or later. */
  get #safeMs(): number {
    return this.#isExhausted
      ? Number.POSITIVE_INFINITY
      : this.#lastTime - this.#recording.earlyMsMax
  }

  /** The rows that arrived by `reachedMs` and were not given, in order, `limit` at most. */
  async take(reachedMs: number, limit: number): Promise<PendingRow[]> {
    const taken: PendingRow[] = []
    while (taken.length < limit) {
      const next = this.#heap.peek()
      // A row not read yet that arrives at the same time has a larger number: `<=` is safe.
      if (next !== undefined && next.arrivesAt <= Math.min(reachedMs, this.#safeMs)) {
        this.#heap.pop()
        this.#pending.delete(next.row)
        taken.push(next)
      } else if (this.#safeMs <= reachedMs && !this.#isExhausted) await this.#readChunk()
      else break
    }
    return taken
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #readChunk(): Promise<void> {
    const { done, value } = await this.#chunks.next()
    if (done === true) {
      this.#isExhausted = true
      return
    }
    for (const one of value) {
      const pending: PendingRow = { ...one, row: this.#nextRow++ }
      this.#check(pending)
      this.#firstTime ??= pending.time
      this.#lastTime = pending.time
      if (this.#from !== null && compareArrivals(pending, this.#from) <= 0) continue // was given
      this.#heap.push(pending)
      this.#pending.add(pending.row)
    }
  }

  #check({ row, time, arrivesAt }: PendingRow): void {
    const { name, earlyMsMax } = this.#recording
    const fault =
      time < this.#lastTime
        ? `has the time ${time} after ${this.#lastTime}`
        : time - arrivesAt > earlyMsMax
          ? `arrives ${time - arrivesAt} ms early, at most ${earlyMsMax} are allowed`
          : null
    if (fault === null) return
    throw new MillraceError('invalid-argument', `row ${row} of the recording ${name} ${fault}`, {
      hint: 'sort the rows by time, and declare how early they may become known',
    })
  }
}
