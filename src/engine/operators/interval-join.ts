/**
 * `join` of two streams within an interval of event time (Flink's interval join, Kafka Streams'
 * windowed stream–stream join): pairs with right.time in [left.time − before, left.time + after].
 *
 * A pair is given at once when the second of the two arrives, with the later of their event times;
 * the partners of one record in order of their event time, then of arrival. A record is late when
 * its time + lateness lies behind the watermark. A row is kept until the watermark has passed the
 * last time at which a partner for it can come, + lateness. Where the type of join gives rows
 * without a partner, such a row comes then, once, with its own event time; those of one advance in
 * order of event time, key, left before right. Within 'forever' nothing is late and nothing leaves.
 *
 * Stores: `<step>/left`, `<step>/right` (and `-full`, see RowLists): namespace = bucket of event
 * times, key → rows, in an outer join marked where they have had a partner.
 */
import { compareKeys } from '../../core/key.ts'
import type { Key } from '../../core/key.ts'
import type { IntervalJoinSpec } from '../../pipeline/join-spec.ts'
import { KeyTimers } from '../key-timers.ts'
import { FoundRows, RowLists } from '../state/row-lists.ts'
import { TimeHeap } from '../time-heap.ts'
import { missingKey } from './missing-key.ts'
import { never } from './operator.ts'
import type { Operator, Push, Stateful, StepContext, TaskContext } from './operator.ts'

/**
 * Buckets for the length of the interval: each record looks into one more than these, and rows stay
 * a bucket's length longer than they must.
 */
const bucketsPerInterval = 2

export function intervalJoinOperator(
  spec: IntervalJoinSpec,
  context: StepContext,
  emit: Push,
): Operator {
  const join = new IntervalJoin(spec, context, emit)
  return {
    push: (value, key, time) => join.take(join.left, join.right, value, key, time),
    second: (value, key, time) => join.take(join.right, join.left, value, key, time),
    stateful: join,
    asynchronous: null,
  }
}

/** One side of the join. */
class Side {
  readonly name: 'left' | 'right'
  readonly rows: RowLists
  /** A partner's time lies in [own − beforeMs, own + afterMs]. */
  readonly beforeMs: number
  readonly afterMs: number
  /** So long after its own time a row is of use. */
  readonly keptMs: number
  /** When a row without a partner may be due; null where such rows are not given. */
  readonly unmatched: KeyTimers | null
  /** Buckets that hold rows. */
  readonly buckets = new TimeHeap()

  constructor(name: Side['name'], spec: IntervalJoinSpec, context: StepContext) {
    const isLeft = name === 'left'
    this.name = name
    this.rows = new RowLists(context, name)
    this.beforeMs = isLeft ? spec.beforeMs : spec.afterMs
    this.afterMs = isLeft ? spec.afterMs : spec.beforeMs
    this.keptMs = this.afterMs + spec.latenessMs
    this.unmatched = spec.type === name || spec.type === 'full' ? new KeyTimers() : null
  }
}

class IntervalJoin implements Stateful {
  readonly left: Side
  readonly right: Side
  readonly #task: TaskContext
  readonly #time: StepContext['time']
  readonly #step: string
  readonly #emit: Push
  readonly #latenessMs: number
  /** Infinity: one bucket for all. */
  readonly #bucketMs: number
  readonly #found = new FoundRows()
  readonly #range = { from: 0, to: 0 }

  constructor(spec: IntervalJoinSpec, context: StepContext, emit: Push) {
    this.left = new Side('left', spec, context)
    this.right = new Side('right', spec, context)
    this.#task = context.task
    this.#time = context.time
    this.#step = context.step
    this.#emit = emit
    this.#latenessMs = spec.beforeMs === never ? never : spec.latenessMs
    const lengthMs = spec.beforeMs + spec.afterMs
    this.#bucketMs = Math.max(1, Math.ceil(lengthMs / bucketsPerInterval))
  }

  /** Takes a record of one side. */
  take(side: Side, other: Side, value: unknown, key: Key | null, time: number): void {
    const task = this.#task
    task.running = this.#step
    if (key === null) throw missingKey(this.#step)
    const { watermarkMs } = this.#time
    if (time + this.#latenessMs < watermarkMs) {
      // Taken until the watermark is past time + lateness: the step is done with it 1 ms later.
      task.late(this.#step, { windowEndMs: time + this.#latenessMs + 1, watermarkMs })
      return
    }
    const found = this.#found
    this.#findPartners(side, other, key, time)
    if (time + side.keptMs >= watermarkMs) this.#keep(side, key, value, time)
    else if (found.count === 0 && side.unmatched !== null) this.#emitAlone(side, value, key, time)
    const { rows, numbers, count } = found
    if (side.name === 'left') {
      for (let i = 0; i < count; i++) {
        const pair = { left: value, right: rows[i] }
        this.#emit(pair, key, Math.max(time, numbers[i] as number))
      }
    } else {
      for (let i = 0; i < count; i++) {
        const pair = { left: rows[i], right: value }
        this.#emit(pair, key, Math.max(time, numbers[i] as number))
      }
    }
    found.release()
  }

  onRestored(): void {
    for (const side of [this.left, this.right]) {
      for (const bucket of side.rows.namespaces.keys()) {
        if (this.#bucketMs !== never) side.buckets.add(bucket)
        this.#scheduleUnmatched(side, bucket)
      }
    }
  }

  onWatermark(watermarkMs: number): void {
    this.#emitUnmatched(watermarkMs)
    for (const side of [this.left, this.right]) {
      while (this.#dropDueMs(side) <= watermarkMs) side.rows.drop(side.buckets.take())
    }
  }

  watermarkDueMs(): number {
    const { left, right } = this
    const dropMs = Math.min(this.#dropDueMs(left), this.#dropDueMs(right))
    return Math.min(dropMs, unmatchedDueMs(left), unmatchedDueMs(right))
  }

  onClock(): void {}

  clockDueMs(): number {
    return never
  }

  onStop(): void {}

  /** Fills `found` with the partners of a record, and marks them where that is asked for. */
  #findPartners(side: Side, other: Side, key: Key, time: number): void {
    const found = this.#found
    const range = this.#range
    found.clear()
    range.from = time - side.beforeMs
    range.to = time + side.afterMs
    const look = other.unmatched === null ? 'all' : 'mark'
    const first = this.#bucketOf(range.from)
    // Counted, as adding 1 to a number beyond 2^53 does not get on.
    const more = this.#bucketOf(range.to) - first
    for (let i = 0; i <= more; i++) other.rows.find(first + i, key, range, look, found)
    found.sort()
  }

  #keep(side: Side, key: Key, value: unknown, time: number): void {
    const bucket = this.#bucketOf(time)
    const added = side.rows.add(bucket, key, value, time)
    if (added === 'opened' && this.#bucketMs !== never) side.buckets.add(bucket)
    if (side.unmatched === null) return
    if (this.#found.count > 0) side.rows.markNewest(bucket, key)
    else side.unmatched.add(time, key)
  }

  #bucketOf(time: number): number {
    return this.#bucketMs === never ? 0 : Math.floor(time / this.#bucketMs)
  }

  /** Watermark at which the oldest bucket goes: when its last row is of no use. */
  #dropDueMs(side: Side): number {
    return (side.buckets.least + 1) * this.#bucketMs + side.keptMs
  }

  #scheduleUnmatched(side: Side, bucket: number): void {
    if (side.unmatched === null) return
    const { watermarkMs } = this.#time
    const all = { from: -never, to: never }
    for (const key of side.rows.keys(bucket)) {
      this.#found.clear()
      side.rows.find(bucket, key, all, 'unmarked', this.#found)
      const { numbers, count } = this.#found
      for (let i = 0; i < count; i++) {
        const time = numbers[i] as number
        // Those that were due before have been given; their bucket is kept a little longer.
        if (time + side.keptMs >= watermarkMs) side.unmatched.add(time, key)
      }
    }
  }

  #emitUnmatched(watermarkMs: number): void {
    const { left, right } = this
    for (;;) {
      const isLeftDue = unmatchedDueMs(left) <= watermarkMs
      const isRightDue = unmatchedDueMs(right) <= watermarkMs
      if (!isLeftDue && !isRightDue) return
      const side = !isRightDue || (isLeftDue && isFirst(left, right)) ? left : right
      this.#emitUnmatchedOf(side)
    }
  }

  /** Gives the rows without a partner for which the side's first timer stands. */
  #emitUnmatchedOf(side: Side): void {
    const timers = side.unmatched as KeyTimers
    const { leastMs: time, leastKey: key } = timers
    // One timer for each row: the rows of one key and time come together.
    while (timers.leastMs === time && compareKeys(timers.leastKey, key) === 0) timers.take()
    const found = this.#found
    found.clear()
    side.rows.find(this.#bucketOf(time), key, { from: time, to: time }, 'unmarked', found)
    for (let i = 0; i < found.count; i++) {
      this.#task.running = this.#step
      this.#task.emitAtomic(this.#emit, aloneOf(side, found.rows[i]), key, time)
    }
    found.release()
  }

  #emitAlone(side: Side, value: unknown, key: Key, time: number): void {
    this.#emit(aloneOf(side, value), key, time)
  }
}

/** A row without a partner. */
function aloneOf({ name }: Side, row: unknown): { left: unknown; right: unknown } {
  return name === 'left' ? { left: row, right: null } : { left: null, right: row }
}

/** Watermark at which the first row is known to be without a partner: past all that may come. */
function unmatchedDueMs({ unmatched, keptMs }: Side): number {
  return unmatched === null ? never : unmatched.leastMs + keptMs + 1
}

/** Whether the left side's first timer comes before the right one's. */
function isFirst({ unmatched: left }: Side, { unmatched: right }: Side): boolean {
  if (left === null || right === null) return left !== null
  if (left.leastMs !== right.leastMs) return left.leastMs < right.leastMs
  return compareKeys(left.leastKey, right.leastKey) <= 0
}
